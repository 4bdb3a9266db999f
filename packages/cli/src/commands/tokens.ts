import type { Command } from 'commander'

import { ApiFailure } from '@slipway/client'
import {
  type APIKey,
  createToken,
  deleteKey,
  expireKey,
  getKey,
  getTokenByName,
  listTokens,
  updateToken,
} from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { duration } from '../duration.ts'
import { CommandError } from '../errors.ts'
import { listOption, option } from '../flags.ts'
import { ago, type Column, day, type OutputFlags, printRows, tableOptions } from '../output.ts'
import { openSession } from '../session.ts'

const NANOSECONDS = 1_000_000

const COLUMNS: readonly Column<APIKey>[] = [
  { name: 'id', value: (key) => key.id },
  { name: 'name', value: (key) => key.token_name },
  { name: 'scopes', value: (key) => key.scopes.join(', ') },
  { name: 'allow list', value: (key) => key.allow_list.join(', ') },
  { name: 'last used', value: (key) => (key.last_used.startsWith('0001') ? 'never' : ago(key.last_used)) },
  { name: 'expires at', value: (key) => day(key.expires_at) },
  { name: 'created at', value: (key) => ago(key.created_at) },
  { name: 'owner', value: (key) => key.username ?? '', extra: true },
]

interface CreateFlags {
  readonly name?: string
  readonly lifetime?: string
  readonly scope?: readonly string[]
  readonly allow?: readonly string[]
  readonly user: string
}

type EditFlags = Omit<CreateFlags, 'user'>

/** `tokens …`. */
export function tokenCommands(program: Command): void {
  const tokens = program.command('tokens')
  tokens
    .command('create')
    .description('Make a token; it is shown once')
    .addOption(option('-n, --name <name>', 'name of the token', 'CODER_TOKEN_NAME'))
    .addOption(option('--lifetime <duration>', 'such as 24h or 30d', 'CODER_TOKEN_LIFETIME'))
    .addOption(
      listOption(
        '--scope <scope>',
        'what the token may do, given once for each; everything when absent',
        'CODER_TOKEN_SCOPE',
      ),
    )
    .addOption(
      listOption(
        '--allow <type:id>',
        'what the token may reach, given once for each; everything when absent',
        'CODER_TOKEN_ALLOW',
      ),
    )
    .addOption(option('-u, --user <user>', 'owner of the token', 'CODER_TOKEN_USER').default('me'))
    .action(async (own: CreateFlags, command: Command) => {
      const lifetime =
        own.lifetime === undefined
          ? {}
          : { lifetime: Math.round(duration(own.lifetime, '--lifetime') * NANOSECONDS) }
      const scopes = own.scope
      const allowed = own.allow
      const client = await openSession(command)
      const { key } = await client.call(createToken, {
        params: { user: own.user },
        body: {
          ...lifetime,
          ...(own.name === undefined ? {} : { token_name: own.name }),
          ...(scopes === undefined ? {} : { scopes: [...scopes] }),
          ...(allowed === undefined ? {} : { allow_list: [...allowed] }),
        },
      })
      process.stdout.write(`${key}\n`)
    })
  tableOptions(tokens.command('list'), COLUMNS)
    .alias('ls')
    .description('List tokens')
    .option('-a, --all', 'tokens of all users')
    .option('--include-expired', 'tokens that have expired, too')
    .action(async (own: OutputFlags & { all?: boolean; includeExpired?: boolean }, command: Command) => {
      const client = await openSession(command)
      const keys = await client.call(listTokens, {
        params: { user: 'me' },
        query: { include_all: own.all ?? false, include_expired: own.includeExpired ?? false },
      })
      const columns = own.all === true ? COLUMNS.map((column) => ({ ...column, extra: false })) : COLUMNS
      printRows(keys, columns, own)
    })
  tableOptions(tokens.command('view <name>'), COLUMNS)
    .description('Show a token, by name or id')
    .action(async (name: string, own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      printRows([await find(client, name)], COLUMNS, own)
    })
  tokens
    .command('edit <name>')
    .description('Change a token, given by name or id; what is not given stays')
    .option('-n, --name <name>', 'its new name')
    .option('--lifetime <duration>', 'how long it holds from now on, such as 24h or 30d')
    .addOption(listOption('--scope <scope>', 'what it may do, given once for each', 'CODER_TOKEN_SCOPE'))
    .addOption(listOption('--allow <type:id>', 'what it may reach, given once for each', 'CODER_TOKEN_ALLOW'))
    .action(async (name: string, own: EditFlags, command: Command) => {
      const body = {
        ...(own.name === undefined ? {} : { token_name: own.name }),
        ...(own.lifetime === undefined
          ? {}
          : { lifetime: Math.round(duration(own.lifetime, '--lifetime') * NANOSECONDS) }),
        ...(own.scope === undefined ? {} : { scopes: [...own.scope] }),
        ...(own.allow === undefined ? {} : { allow_list: [...own.allow] }),
      }
      if (Object.keys(body).length === 0)
        throw new CommandError('nothing to change: give --name, --lifetime, --scope or --allow')
      const client = await openSession(command)
      const { id, user_id: user } = await find(client, name)
      const changed = await client.call(updateToken, { params: { user, keyname: id }, body })
      process.stdout.write(
        `The token ${changed.token_name} holds until ${day(changed.expires_at)}: ${changed.scopes.join(', ')}.\n`,
      )
    })
  tokens
    .command('remove <name>')
    .alias('rm')
    .alias('delete')
    .description('End a token, given by name, by id or itself')
    .option('--delete', 'delete it, instead of keeping it in the list as expired')
    .action(async (name: string, own: { delete?: boolean }, command: Command) => {
      const client = await openSession(command)
      const { id, user_id: user } = await find(client, name)
      await client.call(own.delete === true ? deleteKey : expireKey, { params: { user, keyid: id } })
      process.stdout.write(`The token has been ${own.delete === true ? 'deleted' : 'expired'}.\n`)
    })
}

/** A token by its name, else by its id, with which a whole token begins. @throws ApiFailure 404. */
async function find(client: Connection, text: string): Promise<APIKey> {
  try {
    return await client.call(getTokenByName, { params: { user: 'me', keyname: text } })
  } catch (error) {
    if (!(error instanceof ApiFailure && error.status === 404)) throw error
  }
  const id = /^([A-Za-z0-9]{10})-[A-Za-z0-9]+$/.exec(text)?.[1] ?? text
  return client.call(getKey, { params: { user: 'me', keyid: id } })
}
