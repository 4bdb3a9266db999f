import { parseAllDocuments } from 'yaml'

import { yamlPath } from './option.ts'
import { aliases, optionEntries } from './options.ts'
import { suggestion } from './suggestion.ts'

/** Values of a YAML file by dotted key, with one line for each fault. */
export interface YamlFile {
  readonly values: ReadonlyMap<string, unknown>
  readonly problems: readonly string[]
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Reads the text of a configuration file (OP-4): one document; keys nest by group; an unknown key is an error;
 * null and an empty list count as unset. `name` is the file as messages call it.
 */
export function readYaml(text: string, name: string): YamlFile {
  const [document, ...rest] = parseAllDocuments(text, { logLevel: 'error' })
  if (document === undefined) return { values: new Map(), problems: [] }
  if (rest.length > 0) return { values: new Map(), problems: [`${name}: must hold one YAML document only`] }
  const [error] = document.errors
  if (error !== undefined)
    return {
      values: new Map(),
      problems: [`${name}: ${error.message.split('\n')[0]?.replace(/:$/, '') ?? 'is not YAML'}`],
    }
  const root: unknown = document.toJS()
  if (root === null || root === undefined) return { values: new Map(), problems: [] }
  if (!isRecord(root)) return { values: new Map(), problems: [`${name}: must hold keys and values`] }
  const leaves = new Set(
    [...optionEntries.map(([, of]) => of), ...aliases.map((alias) => alias.option)]
      .map(yamlPath)
      .filter((path) => path !== undefined),
  )
  const values = new Map<string, unknown>()
  const problems: string[] = []
  const visit = (node: Record<string, unknown>, above: string) => {
    for (const [key, value] of Object.entries(node)) {
      const path = `${above}${key}`
      if (leaves.has(path)) {
        if (value !== null && !(Array.isArray(value) && value.length === 0)) values.set(path, value)
      } else if (![...leaves].some((leaf) => leaf.startsWith(`${path}.`))) {
        const close = suggestion(path, [...leaves])
        problems.push(
          `${path} in ${name}: there is no such key${close === undefined ? '' : `; did you mean ${close}?`}`,
        )
      } else if (isRecord(value)) visit(value, `${path}.`)
      else if (value !== null) problems.push(`${path} in ${name}: must hold further keys`)
    }
  }
  visit(root, '')
  return { values, problems }
}
