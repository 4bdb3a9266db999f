import { readFile } from 'node:fs/promises'

import type { Command } from 'commander'
import { parse } from 'yaml'

import type { TemplateVersionParameter } from '@slipway/contract'
import { CommandError } from './errors.ts'
import { ask, interactive } from './prompt.ts'
import { repeat } from './repeat.ts'

/** Where values of parameters come from (OP-§17.2). */
export interface ParameterFlags {
  readonly parameter?: readonly string[]
  readonly richParameterFile?: string
  readonly parameterDefault?: readonly string[]
  readonly useParameterDefaults?: boolean
  readonly ephemeralParameter?: readonly string[]
  readonly yes?: boolean
}

interface NamedValue {
  readonly name: string
  readonly value: string
}

/** Adds the options of {@link ParameterFlags} to a command. */
export function parameterOptions(command: Command): Command {
  return command
    .option('--parameter <name=value>', 'value of a parameter; may be given several times', repeat)
    .option(
      '--rich-parameter-file <file>',
      'YAML or JSON file with values of parameters',
      process.env.CODER_RICH_PARAMETER_FILE,
    )
    .option('--parameter-default <name=value>', 'value of a parameter unless another one is given', repeat)
    .option('--use-parameter-defaults', 'take defaults instead of asking')
    .option('--ephemeral-parameter <name=value>', 'value of a parameter for this build only', repeat)
}

/** The values that were given, flags before the file. @throws CommandError for what cannot be read. */
export async function givenValues(flags: ParameterFlags): Promise<NamedValue[]> {
  const fromEnvironment = process.env.CODER_RICH_PARAMETER
  const given = [
    ...pairs(flags.parameter ?? (fromEnvironment === undefined ? [] : [fromEnvironment]), '--parameter'),
    ...pairs(flags.ephemeralParameter, '--ephemeral-parameter'),
  ]
  const file = flags.richParameterFile === undefined ? [] : await valuesIn(flags.richParameterFile)
  return [...given, ...file.filter((entry) => !given.some(({ name }) => name === entry.name))]
}

/**
 * The values for a new workspace: those given, and what is missing is asked for.
 *
 * @throws CommandError for a value that belongs to no parameter, and for a missing one that nobody can be asked for.
 */
export async function chosenValues(
  parameters: readonly TemplateVersionParameter[],
  flags: ParameterFlags,
): Promise<NamedValue[]> {
  const values = await givenValues(flags)
  const defaults = pairs(flags.parameterDefault, '--parameter-default')
  const known = new Set(parameters.map(({ name }) => name))
  const unknown = [...values, ...defaults].find(({ name }) => !known.has(name))
  if (unknown !== undefined)
    throw new CommandError(
      `the template has no parameter ${unknown.name}: it has ${[...known].join(', ') || 'none'}`,
    )
  const quiet = flags.yes === true || flags.useParameterDefaults === true || !interactive()
  for (const parameter of parameters) {
    const { name } = parameter
    if (values.some((entry) => entry.name === name)) continue
    const preferred = defaults.find((entry) => entry.name === name)
    if (quiet && preferred !== undefined) values.push(preferred)
    if (quiet && (preferred !== undefined || !parameter.required)) continue
    const fallback = preferred?.value ?? parameter.default_value
    values.push({ name, value: await ask(labelOf(parameter), `--parameter ${name}=…`, fallback) })
  }
  return values
}

function labelOf({ name, display_name: display, options }: TemplateVersionParameter): string {
  const label = display === undefined || display === '' ? name : display
  return options.length === 0 ? label : `${label} (${options.map(({ value }) => value).join(', ')})`
}

async function valuesIn(file: string): Promise<NamedValue[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new CommandError(
      `--rich-parameter-file cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    )
  })
  const wrong = new CommandError(`${file} must hold lines such as "name: value"`)
  let values: unknown
  try {
    values = parse(text)
  } catch {
    throw wrong
  }
  if (values === null) return []
  if (typeof values !== 'object' || Array.isArray(values)) throw wrong
  return Object.entries(values).map(([name, value]) => ({
    name,
    value: typeof value === 'object' ? JSON.stringify(value) : String(value),
  }))
}

/** Reads `name=value` texts. @throws CommandError naming the flag. */
export function pairs(given: readonly string[] | undefined, flag: string): NamedValue[] {
  return (given ?? []).map((entry) => {
    const at = entry.indexOf('=')
    if (at < 1) throw new CommandError(`${flag} must be name=value, not ${JSON.stringify(entry)}`)
    return { name: entry.slice(0, at), value: entry.slice(at + 1) }
  })
}
