import type { UserProfile } from "../types/login.js";
import { knownFacts } from "../util/profile.js";
import { plainText } from "./format.js";

/** A user as pages show them. */
export interface UserView {
  readonly id: string;
  /** The user's name, else another known detail, else the id. */
  readonly name: string;
  readonly details: readonly string[];
  readonly photo: string | undefined;
  /** What the app says of the user, for screens of its own. */
  readonly profile: UserProfile;
}

export function toUserView(userId: string, profile: UserProfile | undefined): UserView {
  const facts = knownFacts(profile);
  const { name, username, nickname, email, phone, photo } = facts;
  const known = [name, nickname, username, email].find(isText) ?? userId;
  const details = [userId, [email, phone].find(isText)].filter(isText).filter((text) => text !== known);
  return {
    id: userId,
    name: plainText(known),
    details: details.map(plainText),
    photo: isPicture(photo) ? photo : undefined,
    profile: facts,
  };
}

/** Renders the user's photo or initials. Hidden from screen readers: the name always stands beside it. */
export function Avatar({ person, size = "" }: { person: UserView; size?: "" | "small" | "big" }) {
  if (person.photo !== undefined) {
    // The script puts the initials in place of a picture that cannot be loaded.
    const side = { "": 32, small: 24, big: 56 }[size];
    return (
      <img
        class={`avatar ${size}`.trim()}
        src={person.photo}
        alt=""
        width={side}
        height={side}
        loading="lazy"
        data-initials={initials(person.name)}
      />
    );
  }
  return (
    <span class={`avatar ${size} hue-${String(hueOf(person.id))}`.replace("  ", " ")} aria-hidden="true">
      {initials(person.name)}
    </span>
  );
}

const HUES = 8;

/** Returns the number of a colour, always the same for a user. */
function hueOf(userId: string): number {
  let hash = 0;
  for (const character of userId) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  return (hash % HUES) + 1;
}

function initials(name: string): string {
  const words = name.split(/[\s._@-]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const [first = "?", second] = words.map((word) => word.replace(/^[^\p{L}\p{N}]+/u, ""));
  if (second !== undefined) return (firstLetters(first, 1) + firstLetters(second, 1)).toUpperCase();
  // One letter of a script like Han is enough: it stands for a whole word.
  return firstLetters(first, /^\p{Script=Latin}/u.test(first) ? 2 : 1).toUpperCase();
}

const segmenter = new Intl.Segmenter();

/** Returns the first letters as readers count them: one letter may consist of several characters. */
function firstLetters(word: string, count: number): string {
  const letters = Array.from(segmenter.segment(word), ({ segment }) => segment);
  return letters.slice(0, count).join("");
}

/** Returns whether a detail is known. Databases return `null` for unknown ones. */
function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** Returns whether an address is safe for an image: a web or relative address, or an image in a data URL. */
function isPicture(photo: unknown): photo is string {
  if (!isText(photo)) return false;
  if (/^data:image\/(png|jpeg|gif|webp|svg\+xml)[;,]/i.test(photo)) return true;
  const { protocol } = URL.canParse(photo, "http://site") ? new URL(photo, "http://site") : { protocol: "" };
  return protocol === "https:" || protocol === "http:";
}
