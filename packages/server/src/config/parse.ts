import { readFileSync } from 'node:fs'

import { contradictions, remarks } from './contradictions.ts'
import { effectiveYaml, optionListing } from './effective.ts'
import { readFlags } from './flags.ts'
import { helpText } from './help.ts'
import type { Environment } from './option.ts'
import { type Config, type Configuration, optionEntries, type ValueSource } from './options.ts'
import { resolve } from './resolve.ts'
import { readOption, type Sources, variable } from './sources.ts'
import { readYaml, type YamlFile } from './yaml-file.ts'

/** What a start has to do. */
export type ParseResult =
  | (Configuration & {
      readonly kind: 'start'
      /** Lines for standard error about deprecated names and settings without effect (OP-5). */
      readonly warnings: readonly string[]
    })
  /** Print this and end well: `--help`, `--write-config`, `--debug-options` (OP-4). */
  | { readonly kind: 'print'; readonly text: string }
  /** One line for each fault; all bad values are reported together (OP-3). */
  | { readonly kind: 'refused'; readonly errors: readonly string[] }

/** Whether a start is asked to try out its settings only (OP-B4), also when they cannot be read. */
export function asksForCheck(argv: readonly string[]): boolean {
  const given = readFlags(argv).values.get('check-config')?.at(-1)
  return given !== undefined && given !== 'false'
}

/**
 * Reads flags over environment over the YAML file over defaults (OP-1). Faults are returned, not thrown.
 *
 * @param readFile how files that options name are read: the configuration and files with secrets.
 */
export function parseConfig(
  argv: readonly string[],
  environment: Environment,
  readFile: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): ParseResult {
  const flags = readFlags(argv)
  if (flags.help) return { kind: 'print', text: helpText() }
  const ofFlag = flags.values.get('config')?.at(-1)
  const ofVariable = variable(environment, 'CODER_CONFIG_PATH')
  const fileName = ofFlag ?? ofVariable?.text ?? ''
  const file = loadYaml(
    fileName,
    ofFlag === undefined ? (ofVariable?.name ?? '--config') : '--config',
    readFile,
  )
  const errors = [...flags.problems, ...file.problems]
  const warnings: string[] = []
  const from: Sources = { flags, environment, file, fileName, readFile, errors, warnings }
  const values: Record<string, unknown> = {}
  const sources = new Map<string, ValueSource>()
  for (const [key, option] of optionEntries) {
    const { source, value } = readOption(key, option, from)
    values[key] = value
    sources.set(key, source)
  }
  if (errors.length > 0) return { kind: 'refused', errors: errors.map(oneLine) }
  if (!isConfig(values)) throw new Error('a type of the option table made a value that is not of that type')
  const configuration = resolve({ config: values, sources }, environment)
  if (configuration.config.writeConfig) return { kind: 'print', text: effectiveYaml(configuration) }
  if (configuration.config.debugOptions) return { kind: 'print', text: optionListing(configuration) }
  const faults = contradictions(configuration.config)
  if (faults.length > 0) return { kind: 'refused', errors: faults }
  return { kind: 'start', ...configuration, warnings: [...warnings, ...remarks(configuration)].map(oneLine) }
}

function loadYaml(fileName: string, place: string, readFile: (path: string) => string): YamlFile {
  if (fileName === '') return { values: new Map(), problems: [] }
  try {
    return readYaml(readFile(fileName), fileName)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { values: new Map(), problems: [`${place}: the file ${fileName} cannot be read (${reason})`] }
  }
}

/** File names and keys inside messages may hold line breaks. */
const oneLine = (text: string) => text.replace(/\s*[\r\n\u2028\u2029]+\s*/g, ' ')

/** Every key of the table has a value of its type. */
function isConfig(values: Readonly<Record<string, unknown>>): values is Config {
  return optionEntries.every(([key, option]) => option.type.holds(values[key]))
}
