import type { Command } from 'commander'

import { ApiFailure } from '@slipway/client'
import {
  createFirstUser,
  createSessionKey,
  getBuildInfo,
  getFirstUser,
  getUser,
  listOrganizationsOfUser,
  login,
  logout,
} from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { CommandError } from '../errors.ts'
import { flagsOf, type GlobalFlags, option } from '../flags.ts'
import { openAddress } from '../open-address.ts'
import { printRows } from '../output.ts'
import { ask, askNewSecret, askSecret, interactive } from '../prompt.ts'
import {
  configDirectory,
  connect,
  forgetSession,
  openSession,
  saveSession,
  serverUrl,
  storedSession,
} from '../session.ts'

interface LoginFlags extends GlobalFlags {
  readonly firstUserEmail?: string
  readonly firstUserUsername?: string
  readonly firstUserPassword?: string
  readonly firstUserFullName?: string
  readonly useTokenAsSession?: boolean
}

/** `login`, `logout` and `whoami`. */
export function loginCommands(program: Command): void {
  program
    .command('login [url]')
    .addHelpText('after', '\n`slipway login token` prints the session of the last sign-in.')
    .addOption(option('--first-user-email <email>', 'e-mail of the first account', 'CODER_FIRST_USER_EMAIL'))
    .addOption(
      option('--first-user-username <name>', 'name of the first account', 'CODER_FIRST_USER_USERNAME'),
    )
    .addOption(
      option(
        '--first-user-password <password>',
        'password of the first account',
        'CODER_FIRST_USER_PASSWORD',
      ),
    )
    .addOption(
      option('--first-user-full-name <name>', 'full name of the first account', 'CODER_FIRST_USER_FULL_NAME'),
    )
    .addOption(
      option(
        '--first-user-trial [yes]',
        'accepted for compatibility: there is nothing to try out',
        'CODER_FIRST_USER_TRIAL',
      ),
    )
    .option('--use-token-as-session', 'keep the token of --token itself, instead of a session made with it')
    .action(async (url: string | undefined, _own: unknown, command: Command) => {
      const flags = flagsOf<LoginFlags>(command)
      if (url === 'token') return printToken(flags)
      const named = url ?? flags.url ?? (await storedSession(flags)).url
      if (named === undefined) throw new CommandError('name the server: slipway login http://127.0.0.1:3000')
      const server = serverUrl(named)
      if (command.getOptionValueSource('token') === 'env')
        throw new CommandError(
          'CODER_SESSION_TOKEN is set, so every command uses it already: unset it, or give it with --token',
        )
      const client = await connect(command, server)
      const first = (await hasFirstUser(client)) ? undefined : await makeFirstUser(client, flags)
      const token = await tokenFor(command, server, first ?? credentialsIn(flags), flags)
      const session =
        flags.token === undefined || flags.useTokenAsSession === true
          ? token
          : await ownSession(await connect(command, server, token))
      const me = await (await connect(command, server, session)).call(getUser, { params: { user: 'me' } })
      await saveSession(flags, server, session)
      process.stdout.write(`Welcome, ${me.username}. You are signed in to ${server}.\n`)
    })

  program
    .command('logout')
    .option('-y, --yes', 'accepted for compatibility: nothing is asked')
    .action(async (_own: unknown, command: Command) => {
      const client = await openSession(command)
      // The session is forgotten here even when the server has ended it already, or cannot be reached.
      const failure = await client.call(logout).then(
        () => undefined,
        (error: unknown) => error,
      )
      const left = await forgetSession(flagsOf<GlobalFlags>(command))
      for (const problem of left) process.stderr.write(`warning: not removed: ${problem}\n`)
      if (failure !== undefined && !(failure instanceof ApiFailure && failure.status === 401)) throw failure
      if (left.length > 0) throw new CommandError('some files of the session are still here')
      process.stdout.write('You are signed out.\n')
    })

  program
    .command('whoami')
    .option('-c, --column <columns>', 'columns of the table, separated by commas')
    .option('-o, --output <format>', 'text, json or table', 'text')
    .action(async (own: { output: string; column?: string }, command: Command) => {
      const client = await openSession(command)
      const me = await client.call(getUser, { params: { user: 'me' } })
      if (own.output === 'text') {
        process.stdout.write(`Coder is running at ${client.url}, You're authenticated as ${me.username} !\n`)
        return
      }
      const organizations = await client.call(listOrganizationsOfUser, { params: { user: 'me' } })
      const row = {
        url: client.url,
        username: me.username,
        id: me.id,
        organizations: organizations.map(({ name }) => name),
        roles: me.roles.map((role) => role.name),
      }
      printRows(
        [row],
        [
          { name: 'URL', value: () => row.url },
          { name: 'Username', value: () => row.username },
          { name: 'ID', value: () => row.id },
          { name: 'Orgs', value: () => row.organizations.join(', ') },
          { name: 'Roles', value: () => row.roles.join(', ') },
        ],
        own,
      )
    })
}

/** A session of its own for this machine, so that a sign-out here leaves the token alone. */
async function ownSession(client: Connection): Promise<string> {
  return (await client.call(createSessionKey, { params: { user: 'me' } })).key
}

async function printToken(flags: LoginFlags): Promise<void> {
  const stored = await storedSession(flags)
  if (stored.token === undefined)
    throw new CommandError(
      `there is no session in ${configDirectory(flags)}. Try logging in using 'slipway login <url>'.`,
    )
  const wanted = flags.url
  if (wanted !== undefined && stored.url !== undefined && serverUrl(wanted) !== stored.url)
    throw new CommandError(
      `the session is one of ${stored.url}, not of ${wanted}: run \`slipway login ${wanted}\``,
    )
  process.stdout.write(`${stored.token}\n`)
}

async function hasFirstUser(client: Connection): Promise<boolean> {
  // Whatever answers 404 to everything is not a server without accounts.
  await client.call(getBuildInfo).catch((error: unknown) => {
    if (!(error instanceof ApiFailure && (error.status === 404 || error.status < 300))) throw error
    throw new CommandError(`${client.url} is not a Slipway server: is it the right address?`)
  })
  try {
    await client.call(getFirstUser)
    return true
  } catch (error) {
    if (error instanceof ApiFailure && error.status === 404) return false
    throw error
  }
}

interface Credentials {
  readonly email: string
  readonly password: string
}

async function makeFirstUser(client: Connection, flags: LoginFlags): Promise<Credentials> {
  process.stderr.write('This server has no account yet: make the first one.\n')
  const email = flags.firstUserEmail ?? (await ask('E-mail', '--first-user-email'))
  const username =
    flags.firstUserUsername ?? (await ask('User name', '--first-user-username', email.split('@')[0]))
  const password = flags.firstUserPassword ?? (await askNewSecret('Password', '--first-user-password'))
  await client.call(createFirstUser, {
    body: {
      email,
      username,
      password,
      ...(flags.firstUserFullName === undefined ? {} : { name: flags.firstUserFullName }),
    },
  })
  return { email, password }
}

/** What was given for the first account signs in as well when somebody else has made it. */
function credentialsIn(flags: LoginFlags): Credentials | undefined {
  const { firstUserEmail: email, firstUserPassword: password } = flags
  return email === undefined || password === undefined ? undefined : { email, password }
}

/** A token of the person at the keyboard: the given one, that of a password, or one made in the browser. */
async function tokenFor(
  command: Command,
  server: string,
  credentials: Credentials | undefined,
  flags: LoginFlags,
): Promise<string> {
  if (flags.token !== undefined) return flags.token
  if (credentials !== undefined) {
    const client = await connect(command, server)
    return (await client.call(login, { body: credentials })).session_token
  }
  const page = `${server}/cli-auth`
  process.stderr.write('Make a token in your browser, then paste it here:\n')
  if (interactive()) openAddress(page, flags, process.stderr)
  return (await askSecret('Token', `--token, with a token of ${page},`)).trim()
}
