import { LingerlabError } from '../errors.ts';
import { schemaFiles } from '../record/json-schema.ts';
import { answerJson } from './output.ts';

/** `lingerlab schema run|cell`: the JSON Schema of a run folder's files. */
export async function schema(name: string): Promise<void> {
  const found = schemaFiles()[`${name}.schema.json`];
  if (!found) throw new LingerlabError('BAD_OPTION', `unknown schema "${name}"`, 'write run or cell');
  answerJson(found);
}
