/** Where the generated types are kept. */
export const TYPES_FILE: string;

/** The TypeScript declarations of an OpenAPI document. */
export function renderTypes(document: { readonly servers: readonly { readonly url: string }[] }): Promise<string>;
