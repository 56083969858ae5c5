/** PEM texts: who one is, and whom one trusts. */
export interface TlsIdentity {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}
