import process from "node:process";

/** The variables that have the address of a server, and how such an address begins. */
const PROTOCOLS = {
  REDIS_URL: ["redis:", "rediss:"],
  DATABASE_URL: ["postgres:", "postgresql:", "socket:"],
} as const;

type Variable = keyof typeof PROTOCOLS;

/** Returns the address of a server; `""` for none. */
export function addressIn(variable: Variable): string {
  return process.env[variable] ?? "";
}

/** Returns what is wrong with an address; `undefined` for nothing. A message must not quote an address: it may have a password. */
export function faultOf(variable: Variable): string | undefined {
  const [first] = PROTOCOLS[variable];
  const url = parsed(addressIn(variable));
  if (url === undefined) {
    return `${variable} is no URL such as ${first}//user:password@host/0. Write special characters of the password as %xx.`;
  }
  const isKnown = (PROTOCOLS[variable] as readonly string[]).includes(url.protocol);
  return isKnown ? undefined : `${variable} must begin with ${first}// and name a server of that kind.`;
}

/** Returns the texts that no output may show: addresses, and the passwords in them. */
export function hiddenTexts(): readonly string[] {
  return (Object.keys(PROTOCOLS) as Variable[]).flatMap((variable) => {
    const address = addressIn(variable);
    const password = parsed(address)?.password ?? "";
    return [address, password, decodeURIComponent(password)].filter((text) => text !== "");
  });
}

function parsed(address: string): URL | undefined {
  try {
    const url = new URL(address);
    // Clients decode both.
    for (const part of [url.username, url.password]) decodeURIComponent(part);
    return url;
  } catch {
    // The error quotes the address.
    return undefined;
  }
}
