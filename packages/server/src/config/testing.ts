// What the tests of this folder share.
import type { Environment } from './option.ts'
import { type ParseResult, parseConfig } from './parse.ts'

/** What a start may be given; `yaml` is the text of a file that the configuration is read from. */
export interface Given {
  readonly argv?: readonly string[]
  readonly env?: Environment
  readonly yaml?: string
  readonly files?: Readonly<Record<string, string>>
}

const CONFIG_FILE = 'slipway.yaml'

/** Parses without touching files of the machine. */
export function parse({ argv = [], env = {}, yaml, files = {} }: Given): ParseResult {
  const present = new Map([
    ...Object.entries(files),
    ...(yaml === undefined ? [] : [[CONFIG_FILE, yaml] as const]),
  ])
  return parseConfig([...argv, ...(yaml === undefined ? [] : ['--config', CONFIG_FILE])], env, (file) => {
    const text = present.get(file)
    if (text === undefined) throw new Error(`ENOENT: no such file or directory, open '${file}'`)
    return text
  })
}

/** The configuration of a start that must be accepted. */
export function start(given: Given) {
  const result = parse(given)
  if (result.kind !== 'start') throw new Error(`must start: ${JSON.stringify(result)}`)
  return result
}

/** The lines of a start that must be refused. */
export function refusal(given: Given): readonly string[] {
  const result = parse(given)
  if (result.kind !== 'refused') throw new Error(`must be refused, but is a ${result.kind}`)
  return result.errors
}

/** What a start prints that must only print. */
export function printed(given: Given): string {
  const result = parse(given)
  if (result.kind !== 'print') throw new Error(`must print: ${JSON.stringify(result)}`)
  return result.text
}
