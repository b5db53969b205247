/** The shapes of what the engine is given when it is opened: it knows nobody. */

/** Seals secrets under the master key; what a secret belongs to is authenticated with it. */
export interface SecretVault {
  seal(secret: string | Buffer, belongsTo: string): Buffer;
  /** @throws Error if the sealed bytes were changed, sealed for another owner, or under another master key. */
  unseal(sealed: Buffer, belongsTo: string): Buffer;
  /** A key of its own for one purpose, in base64. */
  derive(purpose: string): string;
}

/** Takes the engine's log lines: the ids that belong to a line first, then the message. */
export interface EngineLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A log that keeps nothing. */
export const SILENT_LOG: EngineLog = { debug() {}, info() {}, warn() {}, error() {} };
