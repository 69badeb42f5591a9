import type { UserProfile } from "../types/login.js";
import { plainText } from "./format.js";

/** A user as pages show him. */
export interface UserView {
  readonly id: string;
  /** His name, or whatever is known in its place. */
  readonly name: string;
  readonly details: readonly string[];
  readonly photo: string | undefined;
}

export function toUserView(userId: string, profile: UserProfile | undefined): UserView {
  const { name, username, nickname, email, phone, photo } = profile ?? {};
  const known = [name, nickname, username, email].find(isText) ?? userId;
  const details = [userId, [email, phone].find(isText)].filter(isText).filter((text) => text !== known);
  return {
    id: userId,
    name: plainText(known),
    details: details.map(plainText),
    photo: isPicture(photo) ? photo : undefined,
  };
}

/** His picture, or his initials. The name always stands beside it, so that it says nothing to a screen reader. */
export function Avatar({ person }: { person: UserView }) {
  if (person.photo !== undefined) {
    return <img class="avatar" src={person.photo} alt="" width={32} height={32} loading="lazy" />;
  }
  return (
    <span class="avatar" aria-hidden="true">
      {initials(person.name)}
    </span>
  );
}

function initials(name: string): string {
  const words = name.split(/[\s._@-]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const [first = "?", second] = words.map((word) => word.replace(/^[^\p{L}\p{N}]+/u, ""));
  if (second !== undefined) return (firstLetters(first, 1) + firstLetters(second, 1)).toUpperCase();
  // A single word gives two letters, but in a script that writes whole words in one.
  return firstLetters(first, /^\p{Script=Latin}/u.test(first) ? 2 : 1).toUpperCase();
}

const segmenter = new Intl.Segmenter();

/** As readers count letters: what looks like one may be several characters. */
function firstLetters(word: string, count: number): string {
  const letters = Array.from(segmenter.segment(word), ({ segment }) => segment);
  return letters.slice(0, count).join("");
}

/** A database says `null` for what it does not know. */
function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** Web and site-relative addresses, and pictures in themselves: nothing that could run. */
function isPicture(photo: unknown): photo is string {
  if (!isText(photo)) return false;
  if (/^data:image\/(png|jpeg|gif|webp|svg\+xml)[;,]/i.test(photo)) return true;
  const { protocol } = URL.canParse(photo, "http://site") ? new URL(photo, "http://site") : { protocol: "" };
  return protocol === "https:" || protocol === "http:";
}
