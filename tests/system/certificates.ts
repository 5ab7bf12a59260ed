// Certificates for tests, made by openssl: an authority, what it signs, or one that signs itself.

import { must } from "./process.ts";

interface Keys {
  /** Paths of PEM files. */
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateOptions extends Keys {
  /** Its common name. */
  readonly name: string;
  /** "subjectAltName=IP:127.0.0.1", "extendedKeyUsage=clientAuth" */
  readonly extensions?: readonly string[];
  /** Who signs it; by default it does itself, and may sign others. */
  readonly issuer?: Keys;
}

/** Good for some days, with a new key on P-256. */
export async function makeCertificate(options: CertificateOptions): Promise<void> {
  const { certificate, key, name, extensions = [], issuer } = options;
  const by = issuer === undefined ? [] : ["-CA", issuer.certificate, "-CAkey", issuer.key];
  const all = issuer === undefined ? extensions : [...extensions, "basicConstraints=critical,CA:FALSE"];
  const request = ["req", "-x509", ...by, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const subject = ["-days", "2", "-subj", `/CN=${name}`, ...all.flatMap((line) => ["-addext", line])];
  await must(["openssl", ...request, ...subject, "-keyout", key, "-out", certificate]);
}
