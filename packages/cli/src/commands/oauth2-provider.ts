import type { Command } from 'commander'

import {
  createOAuth2App,
  createOAuth2AppSecret,
  deleteOAuth2App,
  deleteOAuth2AppSecret,
  deleteOAuth2Grant,
  getOAuth2App,
  listOAuth2AppSecrets,
  listOAuth2Apps,
  listOAuth2Grants,
  type OAuth2ProviderApp,
  type OAuth2ProviderAppSecret,
  type OAuth2ProviderGrant,
  updateOAuth2App,
  updateOAuth2Settings,
} from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { duration } from '../duration.ts'
import { CommandError } from '../errors.ts'
import { listOption } from '../flags.ts'
import { ago, type Column, day, type OutputFlags, printRow, printRows, tableOptions } from '../output.ts'
import { sure } from '../prompt.ts'
import { openSession } from '../session.ts'

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

const APP_COLUMNS: readonly Column<OAuth2ProviderApp>[] = [
  { name: 'id', value: (app) => app.id },
  { name: 'name', value: (app) => app.name },
  { name: 'type', value: (app) => app.client_type },
  { name: 'callback url', value: (app) => app.callback_url },
  { name: 'self registered', value: (app) => (app.dynamically_registered ? 'yes' : '') },
  { name: 'scopes', value: (app) => app.scope, extra: true },
  { name: 'redirect uris', value: (app) => app.redirect_uris.join(' '), extra: true },
  { name: 'metadata url', value: (app) => app.metadata_url, extra: true },
  { name: 'created at', value: (app) => ago(app.created_at), extra: true },
]

const SECRET_COLUMNS: readonly Column<OAuth2ProviderAppSecret>[] = [
  { name: 'id', value: (secret) => secret.id },
  { name: 'ends with', value: (secret) => secret.client_secret_truncated },
  { name: 'created at', value: (secret) => ago(secret.created_at) },
  { name: 'last used', value: ({ last_used_at: used }) => (used === null ? 'never' : ago(used)) },
  { name: 'expires at', value: ({ expires_at: end }) => (end === null ? 'never' : day(end)) },
]

const GRANT_COLUMNS: readonly Column<OAuth2ProviderGrant>[] = [
  { name: 'id', value: (grant) => grant.id },
  { name: 'app', value: (grant) => grant.app_name },
  { name: 'self registered', value: (grant) => (grant.self_registered ? 'yes' : '') },
  { name: 'scopes', value: (grant) => grant.scopes.join(' ') },
  { name: 'for', value: (grant) => grant.resource },
  { name: 'last used', value: (grant) => ago(grant.last_used_at) },
  { name: 'ip', value: (grant) => grant.ip_address, extra: true },
  { name: 'created at', value: (grant) => ago(grant.created_at), extra: true },
]

interface AppFlags {
  readonly name?: string
  readonly callbackUrl?: string
  readonly redirectUri?: readonly string[]
  readonly icon?: string
  readonly scope?: readonly string[]
  readonly requirePar?: boolean
  readonly rememberConsent?: boolean
}

/** `oauth2-provider …`. */
export function oauth2ProviderCommands(program: Command): void {
  const provider = program.command('oauth2-provider')
  registrationCommands(
    provider.command('dcr').description('Let software register itself (dynamic client registration), or not'),
  )
  appCommands(provider.command('apps').alias('app').description('Manage software that may ask for sign-ins'))
  secretCommands(
    provider.command('secrets').alias('secret').description('Manage what apps prove with who they are'),
  )
  grantCommands(
    provider.command('grants').alias('grant').description('See which apps act for you, and end that'),
  )
}

function registrationCommands(dcr: Command): void {
  for (const [word, enabled] of [
    ['enable', true],
    ['disable', false],
  ] as const)
    dcr
      .command(word)
      .description(
        enabled ? 'Let software register itself' : 'Take no new registrations; software that is there stays',
      )
      .action(async (_own: unknown, command: Command) => {
        const client = await openSession(command)
        const { dynamic_client_registration_enabled: now } = await client.call(updateOAuth2Settings, {
          body: { dynamic_client_registration_enabled: enabled },
        })
        process.stderr.write(`Dynamic client registration is now ${now ? 'enabled' : 'disabled'}.\n`)
      })
}

function appCommands(apps: Command): void {
  tableOptions(apps.command('list'), APP_COLUMNS)
    .alias('ls')
    .description('List apps')
    .action(async (own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      printRows(await client.call(listOAuth2Apps), APP_COLUMNS, own)
    })
  tableOptions(apps.command('show <app>'), APP_COLUMNS)
    .description('Show an app, by name or id')
    .action(async (text: string, own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      printRow(await findApp(client, text), APP_COLUMNS, own)
    })
  appOptions(apps.command('create <name>'))
    .description('Make an app; a secret for it makes `slipway oauth2-provider secrets create`')
    .action(async (name: string, own: AppFlags, command: Command) => {
      if (own.callbackUrl === undefined)
        throw new CommandError('--callback-url is required: where the app takes people back')
      const client = await openSession(command)
      const made = await client.call(createOAuth2App, {
        body: { name, callback_url: own.callbackUrl, ...furtherDetails(own) },
      })
      process.stdout.write(`${made.id}\n`)
      process.stderr.write(`Made the app ${made.name}; its id is its client_id.\n`)
    })
  appOptions(apps.command('update <app>'))
    .description('Change an app, given by name or id; what is not given stays')
    .option('-n, --name <name>', 'its new name')
    .action(async (text: string, own: AppFlags, command: Command) => {
      const further = furtherDetails(own)
      if (Object.keys(further).length === 0 && own.name === undefined && own.callbackUrl === undefined)
        throw new CommandError(
          'nothing to change: give --name, --callback-url, --redirect-uri, --icon, --scope, --require-par or --remember-consent',
        )
      const client = await openSession(command)
      const { id, name, callback_url, icon } = await findApp(client, text)
      const changed = await client.call(updateOAuth2App, {
        params: { app: id },
        body: {
          icon,
          ...further,
          name: own.name ?? name,
          callback_url: own.callbackUrl ?? callback_url,
        },
      })
      process.stdout.write(`Changed the app ${changed.name}.\n`)
    })
  apps
    .command('delete <app>')
    .alias('rm')
    .alias('remove')
    .description('Delete an app, given by name or id, with all that it was allowed')
    .option('-y, --yes', 'do not ask')
    .action(async (text: string, own: { yes?: boolean }, command: Command) => {
      const client = await openSession(command)
      const { id, name } = await findApp(client, text)
      await sure(`Delete the app ${name}? Whoever has signed in with it is signed out of it.`, own.yes)
      await client.call(deleteOAuth2App, { params: { app: id } })
      process.stdout.write(`Deleted the app ${name}.\n`)
    })
}

function appOptions(command: Command): Command {
  return command
    .option('--callback-url <url>', 'where the app takes people back after they have agreed')
    .addOption(listOption('--redirect-uri <uri>', 'further address for that; may be given several times'))
    .option('--icon <url>', 'picture of the app')
    .addOption(
      listOption('--scope <scope>', 'what it may ask for, given once for each; anything when absent'),
    )
    .option('--require-par', 'it must push its requests first (RFC 9126)')
    .option('--remember-consent', 'whoever has agreed to the same before is not asked again')
}

/** All but name and callback URL. */
function furtherDetails(own: AppFlags) {
  return {
    ...(own.redirectUri === undefined ? {} : { redirect_uris: [...own.redirectUri] }),
    ...(own.icon === undefined ? {} : { icon: own.icon }),
    ...(own.scope === undefined ? {} : { scope: own.scope.join(' ') }),
    ...(own.requirePar === undefined ? {} : { require_pushed_authorization_requests: own.requirePar }),
    ...(own.rememberConsent === undefined ? {} : { remember_consent: own.rememberConsent }),
  }
}

function secretCommands(secrets: Command): void {
  tableOptions(secrets.command('list <app>'), SECRET_COLUMNS)
    .alias('ls')
    .description('List the secrets of an app; nothing shows them whole')
    .action(async (text: string, own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      const { id } = await findApp(client, text)
      printRows(await client.call(listOAuth2AppSecrets, { params: { app: id } }), SECRET_COLUMNS, own)
    })
  secrets
    .command('create <app>')
    .description('Make a secret of an app; it is shown once')
    .option('--lifetime <duration>', 'how long it works, such as 90d; for ever when absent')
    .action(async (text: string, own: { lifetime?: string }, command: Command) => {
      const lifetime = own.lifetime === undefined ? undefined : duration(own.lifetime, '--lifetime')
      const client = await openSession(command)
      const { id, name } = await findApp(client, text)
      const made = await client.call(createOAuth2AppSecret, {
        params: { app: id },
        body: lifetime === undefined ? {} : { expires_at: new Date(Date.now() + lifetime).toISOString() },
      })
      process.stdout.write(`${made.client_secret_full}\n`)
      process.stderr.write(`Made the secret ${made.id} of ${name}.\n`)
    })
  secrets
    .command('delete <app> <secret>')
    .alias('rm')
    .alias('remove')
    .description(
      'Delete a secret of an app, by its id or its last characters, with the sign-ins that it made',
    )
    .option('-y, --yes', 'do not ask')
    .action(async (text: string, ending: string, own: { yes?: boolean }, command: Command) => {
      const client = await openSession(command)
      const { id: app, name } = await findApp(client, text)
      const all = await client.call(listOAuth2AppSecrets, { params: { app } })
      const { id } = only(
        all.filter((one) => one.id === ending || one.client_secret_truncated === ending),
        `secret ${ending} of ${name}`,
        `slipway oauth2-provider secrets list ${app}`,
      )
      await sure(`Delete the secret ${id} of ${name}?`, own.yes)
      await client.call(deleteOAuth2AppSecret, { params: { app, secretID: id } })
      process.stdout.write(`Deleted the secret ${id}.\n`)
    })
}

function grantCommands(grants: Command): void {
  tableOptions(grants.command('list'), GRANT_COLUMNS)
    .alias('ls')
    .description('List the apps that act for you')
    .option('-u, --user <user>', 'for whom they act', 'me')
    .action(async (own: OutputFlags & { user: string }, command: Command) => {
      const client = await openSession(command)
      printRows(await client.call(listOAuth2Grants, { params: { user: own.user } }), GRANT_COLUMNS, own)
    })
  grants
    .command('revoke <ids...>')
    .alias('remove')
    .alias('rm')
    .description('End what apps may do for you, by ids or names of apps')
    .option('-u, --user <user>', 'for whom they act', 'me')
    .action(async (texts: string[], own: { user: string }, command: Command) => {
      const client = await openSession(command)
      const { user } = own
      const all = await client.call(listOAuth2Grants, { params: { user } })
      const chosen = texts.map((text) =>
        only(
          all.filter((one) => one.id === text || one.app_name === text),
          `grant ${text}`,
          'slipway oauth2-provider grants list',
        ),
      )
      for (const grant of chosen) {
        await client.call(deleteOAuth2Grant, { params: { user, oauth2grant: grant.id } })
        process.stdout.write(`${grant.app_name} (${grant.id}) may do nothing any more.\n`)
      }
    })
}

/** An app by its id, else by its name, which several may have (OA-8). @throws CommandError, ApiFailure 404. */
async function findApp(client: Connection, text: string): Promise<OAuth2ProviderApp> {
  if (UUID.test(text)) return client.call(getOAuth2App, { params: { app: text } })
  const apps = await client.call(listOAuth2Apps)
  return only(
    apps.filter(({ name }) => name === text),
    `app ${text}`,
    'slipway oauth2-provider apps list',
  )
}

/** The only one that fits. @throws CommandError for none and for several. */
function only<T extends { readonly id: string }>(found: readonly T[], what: string, list: string): T {
  const [one, another] = found
  if (one === undefined) throw new CommandError(`there is no ${what}: \`${list}\` shows all`)
  if (another !== undefined)
    throw new CommandError(
      `several fit the ${what}: name one by its id, ${found.map(({ id }) => id).join(', ')}`,
    )
  return one
}
