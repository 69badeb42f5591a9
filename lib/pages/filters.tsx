import type { ComponentChildren } from "preact";
import { Icon } from "./icon.js";
import type { Texts } from "./texts/index.js";

/** The fields of the filter of the list of users. */
export type FilterName = "ip" | "device" | "idle" | "after" | "before" | "more";

export interface FilterView {
  readonly values: Readonly<Partial<Record<FilterName, string>>>;
  readonly zone: string;
}

interface FiltersProps {
  readonly filter: FilterView;
  readonly texts: Texts;
}

/** Renders a pill for each filter, which opens its field. */
export function Filters({ filter, texts }: FiltersProps) {
  const pills: readonly Pill[] = [
    { label: texts.address, names: ["ip"], fields: <AddressField {...filter} texts={texts} /> },
    { label: texts.device, names: ["device"], fields: <DeviceField {...filter} texts={texts} /> },
    { label: texts.idle, names: ["idle"], fields: <IdleField {...filter} texts={texts} /> },
    { label: texts.loggedIn, names: ["after", "before"], fields: <TimeFields {...filter} texts={texts} /> },
    { label: texts.logins, names: ["more"], fields: <CountField {...filter} texts={texts} /> },
  ];
  return (
    <div class="filters" role="group" aria-label={texts.filters}>
      {pills.map(({ label, names, fields }) => (
        <Filter
          key={label}
          label={label}
          value={names.flatMap((name) => shownValue(name, filter.values, texts)).join(" – ")}
          texts={texts}
          names={names}
        >
          {fields}
        </Filter>
      ))}
    </div>
  );
}

interface Pill {
  readonly label: string;
  readonly names: readonly FilterName[];
  readonly fields: ComponentChildren;
}

type FieldProps = FilterView & { readonly texts: Texts };

function AddressField({ values, texts }: FieldProps) {
  return (
    <>
      <label class="field">
        <span>{texts.addressOrRange}</span>
        <input name="ip" value={values.ip} placeholder="203.0.113.0/24" class="mono" {...PLAIN_FIELD} />
      </label>
      <p class="hint">{texts.addressHint}</p>
    </>
  );
}

function DeviceField({ values, texts }: FieldProps) {
  return (
    <label class="field">
      <span>{texts.deviceOrBrowser}</span>
      <input name="device" value={values.device} placeholder="Firefox, iPhone…" {...PLAIN_FIELD} />
    </label>
  );
}

function IdleField({ values, texts }: FieldProps) {
  return (
    <label class="field">
      <span>{texts.idleFor}</span>
      <input name="idle" value={values.idle} placeholder="30m, 12h, 7d" class="mono" {...PLAIN_FIELD} />
    </label>
  );
}

function TimeFields({ values, zone, texts }: FieldProps) {
  return (
    <>
      <div class="pair">
        <label class="field">
          <span>{texts.after}</span>
          <input type="datetime-local" name="after" value={values.after} autocomplete="off" />
        </label>
        <label class="field">
          <span>{texts.before}</span>
          <input type="datetime-local" name="before" value={values.before} autocomplete="off" />
        </label>
      </div>
      {/* The script puts the reader's own zone in place of UTC. */}
      <p class="hint" data-zone-hint={texts.timesIn("")}>
        {texts.timesIn(zone === "Z" ? "UTC" : zone)}
      </p>
      <input type="hidden" name="zone" value={zone} data-zone />
    </>
  );
}

function CountField({ values, texts }: FieldProps) {
  return (
    <label class="field">
      <span>{texts.moreLoginsThan}</span>
      <input type="number" name="more" min={1} value={values.more} autocomplete="off" />
    </label>
  );
}

const PLAIN_FIELD = { autocomplete: "off", maxLength: 256, spellcheck: false } as const;

interface FilterProps {
  readonly label: string;
  /** What is chosen; empty if nothing is. */
  readonly value: string;
  readonly texts: Texts;
  readonly names: readonly FilterName[];
  readonly children: ComponentChildren;
}

function Filter({ label, value, texts, names, children }: FilterProps) {
  const isChosen = value !== "";
  const details = (
    <details class="filter" name="filter" data-menu>
      <summary>
        {isChosen ? null : <Icon name="add" />}
        {isChosen ? <b>{label}</b> : label} {isChosen ? <bdi>{value}</bdi> : null}
      </summary>
      <div class="popover">
        {children}
        <p class="buttons">
          <button type="submit">{texts.apply}</button>
        </p>
      </div>
    </details>
  );
  if (!isChosen) return details;
  return (
    <span class="chosen">
      {details}
      <button type="submit" class="remove" name="without" value={names.join(",")}>
        <span class="hidden">{texts.removeFilter(label)}</span>
        <Icon name="remove" />
      </button>
    </span>
  );
}

function shownValue(name: FilterName, values: FilterView["values"], texts: Texts): string[] {
  const value = values[name];
  if (value === undefined) return [];
  if (name === "after") return [`> ${value.replace("T", " ")}`];
  if (name === "before") return [`< ${value.replace("T", " ")}`];
  return name === "more" ? [texts.moreThan(value)] : [value];
}
