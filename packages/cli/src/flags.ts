import type { Command } from 'commander'

/** Flags that every command takes (OP-181). */
export interface GlobalFlags {
  readonly url?: string
  readonly token?: string
  readonly globalConfig?: string
  readonly header?: readonly string[]
  readonly headerCommand?: string
  readonly clientTlsCaFile?: string
  readonly versionWarning?: boolean
  readonly forceTty?: boolean
  readonly open?: boolean
  readonly verbose?: boolean
}

/**
 * The flags of a command with those before its name. What was given nearest to the command wins, and whatever was
 * given wins over defaults: `slipway --url a list --url b` means b.
 */
export function flagsOf<Flags extends GlobalFlags>(command: Command): Flags {
  for (const before of lineage(command).slice(0, -1).reverse())
    for (const [name, value] of Object.entries(before.opts())) {
      const source = before.getOptionValueSource(name)
      if (source !== undefined && source !== 'default' && !givenTo(command, name))
        command.setOptionValueWithSource(name, value, source)
    }
  return command.opts<Flags>()
}

function givenTo(command: Command, name: string): boolean {
  const source = command.getOptionValueSource(name)
  return source !== undefined && source !== 'default'
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
  return lineage(command).flatMap((one) =>
    one.options
      .filter((option) => one.getOptionValueSource(option.attributeName()) === 'cli')
      .map((option) => ({
        name: option.long?.replace(/^--/, '') ?? option.attributeName(),
        value_source: 'flag',
      })),
  )
}

/** Whether a variable switches a flag on. */
export function switchedOn(variable: string): boolean {
  return /^(1|t|true)$/i.test(process.env[variable] ?? '')
}

/** A list in a variable, separated by commas; undefined when there is none. */
export function listIn(variable: string): readonly string[] | undefined {
  const text = process.env[variable]
  return text === undefined || text === '' ? undefined : text.split(',').map((entry) => entry.trim())
}

/** Commands from the program itself down to this one. */
function lineage(command: Command): Command[] {
  return command.parent === null ? [command] : [...lineage(command.parent), command]
}
