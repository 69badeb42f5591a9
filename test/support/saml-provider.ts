import { createSign, createVerify, generateKeyPairSync, randomUUID, type KeyObject } from "node:crypto";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { signXml } from "@node-saml/node-saml/lib/xml.js";

const RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
const NAMESPACES =
  'xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"';

const SUCCESS = '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>';

/** What a service provider has sent by a redirect. */
export interface SamlMessage {
  readonly name: "SAMLRequest" | "SAMLResponse";
  readonly xml: string;
  readonly isSigned: boolean;
  readonly relayState: string | null;
}

/** Keys of one party: its private key, and the public one as the other party has it. */
export class SamlKeys {
  readonly private: string;
  readonly public: string;
  readonly #private: KeyObject;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
    this.#private = privateKey;
    this.private = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    this.public = publicKey.export({ type: "spki", format: "pem" }).toString();
  }

  /** Signs the text of a query (SAML Bindings 3.4.4.1). */
  signText(text: string): string {
    return createSign("RSA-SHA256").update(text).sign(this.#private, "base64");
  }

  /** Signs the element of this name, and what is in it. The signature follows the issuer. */
  signElement(xml: string, name: string): string {
    const element = `//*[local-name(.)='${name}']`;
    const location = { reference: `${element}/*[local-name(.)='Issuer']`, action: "after" } as const;
    const options = { privateKey: this.private, signatureAlgorithm: "sha256", digestAlgorithm: "sha256" } as const;
    return signXml(xml, element, location, options);
  }
}

export interface SamlSession {
  readonly nameID: string;
  readonly sessionIndex?: string | undefined;
}

/** An identity provider that signs its messages, without pages. */
export class SamlProvider {
  readonly issuer = "https://idp.example/saml";
  readonly keys = new SamlKeys();
  readonly #service: { readonly entityId: string; readonly keys: SamlKeys };

  constructor(service: { readonly entityId: string; readonly keys: SamlKeys }) {
    this.#service = service;
  }

  /** The form by which the browser brings a login to the app: HTTP-POST, the assertion and the response signed. */
  loginForm({ nameID, sessionIndex }: SamlSession): { SAMLResponse: string } {
    const [now, soon] = [instant(), instant(60_000)];
    const index = sessionIndex === undefined ? "" : ` SessionIndex="${sessionIndex}"`;
    const assertion =
      `<saml:Assertion ID="${newId()}" Version="2.0" IssueInstant="${now}"><saml:Issuer>${this.issuer}</saml:Issuer>` +
      `<saml:Subject><saml:NameID Format="${FORMAT}">${nameID}</saml:NameID>` +
      `<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">` +
      `<saml:SubjectConfirmationData NotOnOrAfter="${soon}"/></saml:SubjectConfirmation></saml:Subject>` +
      `<saml:Conditions NotBefore="${instant(-60_000)}" NotOnOrAfter="${soon}"><saml:AudienceRestriction>` +
      `<saml:Audience>${this.#service.entityId}</saml:Audience></saml:AudienceRestriction></saml:Conditions>` +
      `<saml:AuthnStatement AuthnInstant="${now}"${index}><saml:AuthnContext><saml:AuthnContextClassRef>` +
      `urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext>` +
      `</saml:AuthnStatement></saml:Assertion>`;
    const response = this.#message("Response", "", SUCCESS + assertion);
    const signed = this.keys.signElement(this.keys.signElement(response, "Assertion"), "Response");
    return { SAMLResponse: Buffer.from(signed).toString("base64") };
  }

  logoutRequest({ nameID, sessionIndex }: SamlSession, attributes = ""): string {
    const index = sessionIndex === undefined ? "" : `<samlp:SessionIndex>${sessionIndex}</samlp:SessionIndex>`;
    const name = `<saml:NameID Format="${FORMAT}">${nameID}</saml:NameID>`;
    return this.#message("LogoutRequest", attributes, name + index);
  }

  logoutResponse(inResponseTo: string): string {
    return this.#message("LogoutResponse", ` InResponseTo="${inResponseTo}"`, SUCCESS);
  }

  /** The query of a signed message: HTTP-Redirect. */
  redirect(name: SamlMessage["name"], xml: string, keys = this.keys): string {
    const message = encodeURIComponent(deflateRawSync(xml).toString("base64"));
    const text = `${name}=${message}&RelayState=here&SigAlg=${encodeURIComponent(RSA_SHA256)}`;
    return `${text}&Signature=${encodeURIComponent(keys.signText(text))}`;
  }

  /** The form of a signed request: HTTP-POST. */
  form(xml: string, keys = this.keys): { SAMLRequest: string } {
    return { SAMLRequest: Buffer.from(keys.signElement(xml, "LogoutRequest")).toString("base64") };
  }

  /** Reads what the app sends by a redirect to the provider. */
  read(location: string): SamlMessage {
    const { searchParams, search } = new URL(location);
    const name = searchParams.has("SAMLRequest") ? "SAMLRequest" : "SAMLResponse";
    const [text = "", signature] = search.slice(1).split("&Signature=");
    const verifier = createVerify("RSA-SHA256").update(text);
    return {
      name,
      xml: inflateRawSync(Buffer.from(searchParams.get(name) ?? "", "base64")).toString(),
      isSigned:
        signature !== undefined && verifier.verify(this.#service.keys.public, decodeURIComponent(signature), "base64"),
      relayState: searchParams.get("RelayState"),
    };
  }

  #message(name: string, attributes: string, content: string): string {
    return (
      `<samlp:${name} ${NAMESPACES} ID="${newId()}" Version="2.0" IssueInstant="${instant()}"${attributes}>` +
      `<saml:Issuer>${this.issuer}</saml:Issuer>${content}</samlp:${name}>`
    );
  }
}

/** The id of a message. */
export const idOf = (xml: string): string => /\bID="([^"]+)"/.exec(xml)?.[1] ?? "";

const newId = (): string => `_${randomUUID()}`;
const instant = (inMs = 0): string => new Date(Date.now() + inMs).toISOString();
