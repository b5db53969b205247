import { ApiTags } from '@nestjs/swagger';

/** The tags of the document, and what each is about, in the order in which they were declared. */
export const TAGS = new Map<string, string>();

/**
 * Puts a controller's routes under a tag of the document. Several controllers may share one, in the same words.
 *
 * @throws Error if another one says something else of it
 */
export function tagged(name: string, description: string): ClassDecorator {
  if ((TAGS.get(name) ?? description) !== description) throw new Error(`the tag ${name} is described in two ways`);
  TAGS.set(name, description);
  return ApiTags(name);
}
