import type { Command } from 'commander'

import { ApiFailure } from '@slipway/client'
import { type APIKey, createToken, deleteKey, getTokenByName, listTokens } from '@slipway/contract'
import { CommandError } from '../errors.ts'
import { ago, type Column, type OutputFlags, printRows } from '../output.ts'
import { repeat } from '../repeat.ts'
import { type GlobalFlags, openSession } from '../session.ts'

const COLUMNS: readonly Column<APIKey>[] = [
  { name: 'id', value: (key) => key.id },
  { name: 'name', value: (key) => key.token_name },
  { name: 'scopes', value: (key) => key.scopes.join(', ') },
  { name: 'last used', value: (key) => (key.last_used.startsWith('0001') ? 'never' : ago(key.last_used)) },
  { name: 'expires at', value: (key) => key.expires_at.slice(0, 16).replace('T', ' ') },
  { name: 'created at', value: (key) => ago(key.created_at) },
]
const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 }

/** `tokens …`. */
export function tokenCommands(program: Command): void {
  const tokens = program.command('tokens').alias('token').description('Manage tokens for programs')
  tokens
    .command('create')
    .description('Make a token; it is shown once')
    .option('-n, --name <name>', 'name of the token', process.env.CODER_TOKEN_NAME)
    .option('--lifetime <duration>', 'such as 24h or 30d', process.env.CODER_TOKEN_LIFETIME)
    .option('--scope <scope>', 'what the token may do, given once for each; everything when absent', repeat)
    .option(
      '--allow <type:id>',
      'what the token may reach, given once for each; everything when absent',
      repeat,
    )
    .option('--user <user>', 'owner of the token', 'me')
    .action(
      async (
        own: {
          name?: string
          lifetime?: string
          scope?: readonly string[]
          allow?: readonly string[]
          user: string
        },
        command: Command,
      ) => {
        const client = await openSession(command.optsWithGlobals<GlobalFlags>())
        const { key } = await client.call(createToken, {
          params: { user: own.user },
          body: {
            ...(own.name === undefined ? {} : { token_name: own.name }),
            ...(own.lifetime === undefined ? {} : { lifetime: nanoseconds(own.lifetime) }),
            ...(own.scope === undefined ? {} : { scopes: [...own.scope] }),
            ...(own.allow === undefined ? {} : { allow_list: [...own.allow] }),
          },
        })
        process.stdout.write(`${key}\n`)
      },
    )
  tokens
    .command('list')
    .alias('ls')
    .description('List tokens')
    .option('-a, --all', 'tokens of all users')
    .option('-c, --column <columns>', 'columns, separated by commas')
    .option('-o, --output <format>', 'table or json', 'table')
    .action(async (own: OutputFlags & { all?: boolean }, command: Command) => {
      const client = await openSession(command.optsWithGlobals<GlobalFlags>())
      const keys = await client.call(listTokens, {
        params: { user: 'me' },
        query: { include_all: own.all ?? false },
      })
      printRows(keys, COLUMNS, own)
    })
  tokens
    .command('remove <name>')
    .alias('rm')
    .alias('delete')
    .description('Delete a token, by name or id')
    .action(async (name: string, _own: unknown, command: Command) => {
      const client = await openSession(command.optsWithGlobals<GlobalFlags>())
      const named = await client
        .call(getTokenByName, { params: { user: 'me', keyname: name } })
        .catch((error: unknown) => {
          if (error instanceof ApiFailure && error.status === 404) return undefined
          throw error
        })
      await client.call(deleteKey, { params: { user: 'me', keyid: named?.id ?? name } })
      process.stdout.write('The token has been deleted.\n')
    })
}

function nanoseconds(text: string): number {
  const match = /^(\d+)([smhd])$/.exec(text)
  const unit = UNITS[match?.[2] ?? '']
  if (match === null || unit === undefined)
    throw new CommandError(`--lifetime must be such as 24h or 30d, not ${JSON.stringify(text)}`)
  return Number(match[1]) * unit * 1_000_000_000
}
