import { Command as BaseCommand } from 'commander'

import { setSwitch } from './flags.ts'

/** A command whose switches take a value behind `=`, too: `--yes=false`, as those of the reference do (OP-181). */
export class Command extends BaseCommand {
  #passesThrough = false

  override createCommand(name?: string): Command {
    return new Command(name)
  }

  override passThroughOptions(passes = true): this {
    this.#passesThrough = passes
    return super.passThroughOptions(passes)
  }

  override parseOptions(args: string[]): ReturnType<BaseCommand['parseOptions']> {
    const end = this.#endOfOwn(args)
    return super.parseOptions([
      ...args.slice(0, end).filter((argument) => !setSwitch(this, argument)),
      ...args.slice(end),
    ])
  }

  /** Where arguments begin that are another command's, or somebody else's. */
  #endOfOwn(args: readonly string[]): number {
    for (let i = 0; i < args.length; i += 1) {
      const argument = args[i] ?? ''
      if (argument === '--') return i
      if (!argument.startsWith('-')) {
        if (this.#passesThrough || this.commands.length > 0) return i
      } else if (
        this.options.find(({ long, short }) => argument === long || argument === short)?.required === true
      )
        i += 1
    }
    return args.length
  }
}
