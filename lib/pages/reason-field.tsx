import { MAX_KICK_TEXT } from "../util/limits.js";
import { LOCALES, type CannedReason, type Texts } from "./texts/index.js";

/** Returns the reason of a form: the one that was picked, then a line of the administrator's own. */
export function composeReason(picked: string | undefined, own: string, { cannedReasons }: Texts): string {
  const canned = isCanned(picked) ? cannedReasons[picked] : "";
  // Forms send a line break as two characters.
  return [canned, own.replace(/\r\n?/g, "\n").trim()].filter((part) => part !== "").join("\n");
}

export function isCanned(picked: string | undefined): picked is CannedReason {
  return picked !== undefined && Object.hasOwn(LOCALES.en.cannedReasons, picked);
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
            maxLength={Math.max(0, MAX_KICK_TEXT - longest)}
            rows={3}
            placeholder={texts.ownWords}
            autocomplete="off"
            aria-describedby="counter"
          />
        </label>
        <p class="hint counter" id="counter" data-most={MAX_KICK_TEXT} />
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
