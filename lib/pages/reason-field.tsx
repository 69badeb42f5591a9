import type { CannedReason, Texts } from "./texts/index.js";

/** As long as a reason may be. */
const MAX_REASON = 500;

/** Returns the reason of a form: the one that was picked, then a line of the administrator's own. */
export function reasonOf(picked: string | undefined, own: string, { cannedReasons }: Texts): string {
  const isKnown = picked !== undefined && Object.hasOwn(cannedReasons, picked);
  return [isKnown ? cannedReasons[picked as CannedReason] : "", own.trim()].filter((part) => part !== "").join("\n");
}

/** Renders the choice of a reason, and what the user will see. The script counts, and shows what is written. */
export function ReasonField({ texts }: { texts: Texts }) {
  const canned = Object.entries(texts.cannedReasons);
  const longest = Math.max(...canned.map(([, text]) => text.length + "\n".length));
  return (
    <>
      <div data-reason>
        <fieldset class="chips">
          <legend>
            {texts.reason} <span class="quiet">{texts.reasonHint}</span>
          </legend>
          {[["", texts.noReason] as const, ...canned].map(([name, text]) => (
            <label key={name}>
              <input type="radio" name="canned" value={name} checked={name === ""} autocomplete="off" />
              {text}
            </label>
          ))}
        </fieldset>
        <label class="field">
          <span class="hidden">{texts.ownWords}</span>
          <textarea
            name="reason"
            maxLength={MAX_REASON - longest}
            rows={3}
            placeholder={texts.ownWords}
            autocomplete="off"
            aria-describedby="counter"
          />
        </label>
        <p class="hint counter" id="counter" data-most={MAX_REASON} />
      </div>
      <figure class="preview">
        <figcaption>{texts.whatUserSees}</figcaption>
        <div>
          <strong>{texts.haveBeenLoggedOut}</strong>
          <span data-preview />
          <span class="quiet">{texts.logInAgain}</span>
        </div>
      </figure>
    </>
  );
}

/** Renders what a kick has reached. The script fills it in. */
export function Stats({ texts }: { texts: Texts }) {
  const { statUsers, statLogins, statSeconds } = texts;
  const labels = { users: statUsers, logins: statLogins, seconds: statSeconds };
  return (
    <dl class="stats" data-stats hidden>
      {Object.entries(labels).map(([name, label]) => (
        <div key={name}>
          <dt>{label}</dt>
          <dd data-stat={name} />
        </div>
      ))}
    </dl>
  );
}
