import { readFile } from 'node:fs/promises'

import type { Command } from 'commander'
import { parse } from 'yaml'

import type { TemplateVersionParameter } from '@slipway/contract'
import { CommandError } from './errors.ts'
import { listOption, option } from './flags.ts'
import { ask, interactive, pick } from './prompt.ts'

/** Where values of parameters come from (OP-§17.2). */
export interface ParameterFlags {
  readonly parameter?: readonly string[]
  readonly richParameterFile?: string
  readonly parameterDefault?: readonly string[]
  readonly useParameterDefaults?: boolean
  readonly ephemeralParameter?: readonly string[]
  readonly promptEphemeralParameters?: boolean
  readonly alwaysPrompt?: boolean
  readonly buildOption?: readonly string[]
  readonly buildOptions?: boolean
  readonly yes?: boolean
}

/** A value by its name. */
export interface NamedValue {
  readonly name: string
  readonly value: string
}

/** Adds the options of {@link ParameterFlags} to a command. */
export function parameterOptions(command: Command): Command {
  return command
    .addOption(
      listOption(
        '--parameter <name=value>',
        'value of a parameter; may be given several times',
        'CODER_RICH_PARAMETER',
      ),
    )
    .addOption(
      option(
        '--rich-parameter-file <file>',
        'YAML or JSON file with values of parameters',
        'CODER_RICH_PARAMETER_FILE',
      ),
    )
    .addOption(
      listOption(
        '--parameter-default <name=value>',
        'value of a parameter unless another one is given',
        'CODER_RICH_PARAMETER_DEFAULT',
      ),
    )
    .option('--use-parameter-defaults', 'take defaults instead of asking')
    .addOption(
      listOption(
        '--ephemeral-parameter <name=value>',
        'value of a parameter for this build only',
        'CODER_EPHEMERAL_PARAMETER',
      ),
    )
    .option('--prompt-ephemeral-parameters', 'ask for the parameters that count for one build only')
    .option('--always-prompt', 'ask for every parameter, also for those that have a value')
    .addOption(
      listOption('--build-option <name=value>', 'older name of --ephemeral-parameter', 'CODER_BUILD_OPTION'),
    )
    .option('--build-options', 'older name of --prompt-ephemeral-parameters')
}

/** The values that were given, flags before the file. @throws CommandError for what cannot be read. */
async function givenValues(flags: ParameterFlags): Promise<NamedValue[]> {
  const given = [
    ...pairs(flags.parameter, '--parameter'),
    ...pairs(flags.ephemeralParameter, '--ephemeral-parameter'),
    ...pairs(flags.buildOption, '--build-option'),
  ]
  const file =
    flags.richParameterFile === undefined
      ? []
      : await valuesIn(flags.richParameterFile, '--rich-parameter-file')
  return [...given, ...file.filter((entry) => !given.some(({ name }) => name === entry.name))]
}

/**
 * The values for a new workspace: those given, then those of a workspace it is copied from, and what is missing is
 * asked for.
 *
 * @throws CommandError for a value that belongs to no parameter, and for a missing one that nobody can be asked for.
 */
export async function chosenValues(
  parameters: readonly TemplateVersionParameter[],
  flags: ParameterFlags,
  copied: readonly NamedValue[] = [],
): Promise<NamedValue[]> {
  const values = await knownValues(parameters, flags)
  const defaults = pairs(flags.parameterDefault, '--parameter-default')
  known(defaults, parameters)
  const quiet = flags.yes === true || flags.useParameterDefaults === true || !interactive()
  for (const parameter of parameters) {
    const { name } = parameter
    if (values.some((entry) => entry.name === name)) continue
    if (parameter.ephemeral && !asksEphemeral(flags)) continue
    const before = copied.find((entry) => entry.name === name)
    const preferred = before ?? defaults.find((entry) => entry.name === name)
    if (before !== undefined && flags.alwaysPrompt !== true) values.push(before)
    else if (quiet && preferred !== undefined) values.push(preferred)
    else if (!quiet || parameter.required)
      values.push(await asked(parameter, preferred?.value ?? parameter.default_value))
  }
  return values
}

/**
 * The values for a further build of a workspace: those given, and others only when a flag says to ask for them or the
 * version needs one that the workspace never had.
 *
 * @throws CommandError as {@link chosenValues}.
 */
export async function furtherValues(
  parameters: readonly TemplateVersionParameter[],
  last: readonly NamedValue[],
  flags: ParameterFlags,
): Promise<NamedValue[]> {
  const values = await knownValues(parameters, flags)
  for (const parameter of parameters) {
    if (values.some(({ name }) => name === parameter.name)) continue
    const before = last.find(({ name }) => name === parameter.name)?.value
    const wanted = parameter.ephemeral
      ? asksEphemeral(flags)
      : (flags.alwaysPrompt === true && parameter.mutable) || (parameter.required && before === undefined)
    if (wanted) values.push(await asked(parameter, before ?? parameter.default_value))
  }
  return values
}

async function knownValues(
  parameters: readonly TemplateVersionParameter[],
  flags: ParameterFlags,
): Promise<NamedValue[]> {
  const values = await givenValues(flags)
  known(values, parameters)
  return values
}

function known(values: readonly NamedValue[], parameters: readonly TemplateVersionParameter[]): void {
  const unknown = values.find((value) => !parameters.some(({ name }) => name === value.name))
  if (unknown !== undefined)
    throw new CommandError(
      `the template has no parameter ${unknown.name}: it has ${parameters.map(({ name }) => name).join(', ') || 'none'}`,
    )
}

function asksEphemeral(flags: ParameterFlags): boolean {
  return flags.promptEphemeralParameters === true || flags.buildOptions === true
}

async function asked(parameter: TemplateVersionParameter, fallback: string): Promise<NamedValue> {
  const flag = parameter.ephemeral ? '--ephemeral-parameter' : '--parameter'
  const options = optionsOf(parameter)
  const value =
    options.length > 0 && interactive()
      ? await pick(labelOf(parameter), options, fallback)
      : await ask(labelOf(parameter), `${flag} ${parameter.name}=…`, fallback)
  return { name: parameter.name, value }
}

/** What there is to choose from; a list may have several of its options and is written instead. */
function optionsOf({
  type,
  options,
}: TemplateVersionParameter): { value: string; label: string; hint?: string }[] {
  if (type === 'bool')
    return [
      { value: 'true', label: 'yes' },
      { value: 'false', label: 'no' },
    ]
  if (type === 'list(string)') return []
  return options.map(({ name, value, description }) => ({
    value,
    label: name,
    ...(description === '' ? {} : { hint: description }),
  }))
}

function labelOf({
  name,
  display_name: display,
  description_plaintext: about,
}: TemplateVersionParameter): string {
  const label = display === undefined || display === '' ? name : display
  return about === '' ? label : `${label}: ${about}`
}

/** The entries of a YAML or JSON file with one value for each name. @throws CommandError naming the flag. */
export async function valuesIn(file: string, flag: string): Promise<NamedValue[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new CommandError(
      `${flag} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
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
