import { type Command, Option } from 'commander'

/** Flags that every command takes (OP-181). */
export interface GlobalFlags {
  readonly url?: string
  readonly token?: string
  readonly globalConfig?: string
  readonly header?: readonly string[]
  readonly headerCommand?: string
  readonly clientTlsCaFile?: string
  readonly clientTlsCertFile?: string
  readonly clientTlsKeyFile?: string
  readonly versionWarning?: boolean
  readonly forceTty?: boolean
  readonly open?: boolean
  readonly verbose?: boolean
}

/** An option that may be given several times; its variable holds a list that is separated by commas. */
class ListOption extends Option {
  constructor(flags: string, description: string) {
    super(flags, description)
    this.argParser(repeat)
  }
}

/** An option that a variable sets, too. A flag wins over it, and an empty variable is none (OP-181). */
export function option(flags: string, description: string, variable?: string): Option {
  return withVariable(new Option(flags, description), variable)
}

/** As {@link option}, for one that may be given several times. */
export function listOption(flags: string, description: string, variable?: string): Option {
  return withVariable(new ListOption(flags, description), variable)
}

function withVariable(made: Option, variable: string | undefined): Option {
  return variable === undefined ? made : made.env(variable)
}

// An option with `...` would take the arguments behind it, too.
function repeat(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value]
}

/** Gives the options of a command what their variables say: lists, and switches that may be `false`. */
export function readVariables(command: Command): void {
  for (const one of command.options) {
    const name = one.attributeName()
    const text = one.envVar === undefined ? undefined : process.env[one.envVar]
    if (text === undefined || command.getOptionValueSource(name) !== 'env') continue
    if (isSwitch(one)) command.setOptionValueWithSource(name, meansYes(text) !== one.negate, 'env')
    else if (text === '') command.setOptionValueWithSource(name, one.defaultValue, 'default')
    else command.setOptionValueWithSource(name, readValue(one, text), 'env')
  }
}

/** The library's own test leaves out those that begin with `--no-`. */
function isSwitch(one: Option): boolean {
  return !one.required && !one.optional
}

function meansYes(text: string): boolean {
  return /^(1|t|true|y|yes|on)$/i.test(text)
}

function readValue(one: Option, text: string): unknown {
  return one instanceof ListOption ? text.split(',').map((entry) => entry.trim()) : text
}

/**
 * Whether an argument such as `--yes=false` sets a switch, which it then does; the library knows `--yes` only.
 */
export function setSwitch(command: Command, argument: string): boolean {
  const [, flag, text = ''] = /^(--[^=]+)=(\w+)$/.exec(argument) ?? []
  const one = command.options.find(({ long }) => long === flag)
  if (one === undefined || !isSwitch(one) || !/^(1|t|true|y|yes|on|0|f|false|n|no|off)$/i.test(text))
    return false
  command.setOptionValueWithSource(one.attributeName(), meansYes(text) !== one.negate, 'cli')
  return true
}

/**
 * The flags of a command with those before its name. What was given nearest to the command wins, and whatever was
 * given wins over variables and defaults: `slipway --url a list --url b` means b.
 */
export function flagsOf<Flags extends GlobalFlags>(command: Command): Flags {
  for (const before of lineage(command).slice(0, -1).reverse())
    for (const [name, value] of Object.entries(before.opts()))
      if (before.getOptionValueSource(name) === 'cli' && command.getOptionValueSource(name) !== 'cli')
        command.setOptionValueWithSource(name, value, 'cli')
  return command.opts<Flags>()
}

/** The words that name a command behind the program's own name, such as `tokens create`. */
export function commandPath(command: Command): string {
  return lineage(command)
    .slice(1)
    .map((one) => one.name())
    .join(' ')
}

/** Options that were given to a command or before it, by flag or variable, without their values (OP-184). */
export function givenOptions(command: Command): { readonly name: string; readonly value_source: string }[] {
  const given = lineage(command).flatMap((one) =>
    one.options.flatMap((made) => {
      const name = made.long?.replace(/^--/, '') ?? made.attributeName()
      switch (one.getOptionValueSource(made.attributeName())) {
        case 'cli':
          return [{ name, value_source: 'flag' }]
        case 'env':
          return [{ name, value_source: 'env' }]
        default:
          return []
      }
    }),
  )
  return given.filter(({ name }, i) => given.findIndex((other) => other.name === name) === i)
}

/** Commands from the program itself down to this one. */
function lineage(command: Command): Command[] {
  return command.parent === null ? [command] : [...lineage(command.parent), command]
}
