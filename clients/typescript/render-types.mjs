import { join } from 'node:path';
import openapiTS, { astToString } from 'openapi-typescript';

/** Where the generated types are kept. */
export const TYPES_FILE = join(import.meta.dirname, 'src', 'api-types.ts');

const HEAD = `// Generated from the OpenAPI document by \`npm run generate:client\`. Not to be edited.

`;

/**
 * The TypeScript declarations of an OpenAPI document; links in it lose the address of the server that they were made by.
 *
 * @param {{ servers: { url: string }[] }} document
 * @returns {Promise<string>}
 */
export async function renderTypes(document) {
  const types = HEAD + astToString(await openapiTS(structuredClone(document), { silent: true }));
  return document.servers.reduce((text, { url }) => text.replaceAll(url, ''), types);
}
