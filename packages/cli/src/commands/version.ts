import type { Command } from 'commander'

import { CommandError } from '../errors.ts'
import { ownVersion } from '../version.ts'

/** `version`. */
export function versionCommand(program: Command): void {
  program
    .command('version')
    .option('-o, --output <format>', 'text or json', 'text')
    .action((own: { output: string }) => {
      const version = ownVersion()
      if (own.output === 'json') process.stdout.write(`${JSON.stringify({ version }, null, 2)}\n`)
      else if (own.output === 'text') process.stdout.write(`Coder ${version} (Slipway)\n`)
      else throw new CommandError(`--output must be text or json, not ${JSON.stringify(own.output)}`)
    })
}
