import type { Command } from 'commander'

import { ApiError } from '@slipway/server/errors/index.ts'
import type { AccountMaintenance } from '@slipway/server/maintain-accounts.ts'
import { CommandError } from '../errors.ts'
import { flagsOf, type GlobalFlags, option } from '../flags.ts'
import { ask, askNewSecret } from '../prompt.ts'
import { postgresUrlOption, serverArguments } from './database-flags.ts'

interface DatabaseFlags extends GlobalFlags {
  readonly postgresUrl?: string
  readonly postgresConnectionAuth?: string
  readonly sshKeygenAlgorithm?: string
}

interface CreateFlags extends DatabaseFlags {
  readonly username?: string
  readonly email?: string
  readonly password?: string
}

interface ResetFlags extends DatabaseFlags {
  readonly password?: string
  readonly removeSecondFactors?: boolean
}

/** `server create-admin-user`: an owner for a deployment that nobody can get into. */
export function createAdminUserCommand(server: Command): void {
  databaseOptions(server.command('create-admin-user').helpOption('-h, --help'))
    .description('Make an owner who administers every organization, in the database itself')
    .addOption(option('--username <name>', 'name of the account', 'CODER_USERNAME'))
    .addOption(option('--email <email>', 'e-mail address of the account', 'CODER_EMAIL'))
    .addOption(option('--password <password>', 'password of the account', 'CODER_PASSWORD'))
    .addOption(
      option('--ssh-keygen-algorithm <name>', 'algorithm of its git SSH key', 'CODER_SSH_KEYGEN_ALGORITHM'),
    )
    .action(async (_own: CreateFlags, command: Command) => {
      const flags = flagsOf<CreateFlags>(command)
      const asked = {
        username: flags.username ?? (await ask('User name', '--username')),
        email: flags.email ?? (await ask('E-mail', '--email')),
        password: flags.password ?? (await askNewSecret('Password', '--password')),
      }
      await using accounts = await open(flags)
      const user = await explained(accounts.createAdmin(asked))
      process.stdout.write(`Made the account ${user.username} (${user.email}), an owner of the deployment.\n`)
    })
}

/** `reset-password`: for administrators who are locked out. */
export function resetPasswordCommand(program: Command): void {
  databaseOptions(program.command('reset-password <user>'))
    .addOption(option('--password <password>', 'the new password', 'CODER_PASSWORD'))
    .option('--remove-second-factors', 'also remove authenticator app, passkeys and recovery codes')
    .action(async (user: string, _own: ResetFlags, command: Command) => {
      const flags = flagsOf<ResetFlags>(command)
      const password = flags.password ?? (await askNewSecret('New password', '--password'))
      await using accounts = await open(flags)
      const changed = await explained(
        accounts.resetPassword(user, password, {
          removeSecondFactors: flags.removeSecondFactors === true,
        }),
      )
      process.stdout.write(
        `${changed.username} has a new password; all sessions of the account have ended.\n`,
      )
    })
}

function databaseOptions(command: Command): Command {
  return command
    .addOption(postgresUrlOption())
    .addOption(
      option(
        '--postgres-connection-auth <type>',
        'how to sign in to the database: password',
        'CODER_PG_CONNECTION_AUTH',
      ).choices(['password']),
    )
}

async function open(flags: DatabaseFlags): Promise<AccountMaintenance> {
  const { openAccountMaintenance } = await import('@slipway/server/maintain-accounts.ts')
  const argv = serverArguments([
    ['--global-config', flags.globalConfig],
    ['--postgres-url', flags.postgresUrl],
    ['--ssh-keygen-algorithm', flags.sshKeygenAlgorithm],
  ])
  return explained(openAccountMaintenance(argv, process.env))
}

/** Refusals of the server's rules are for the person at the keyboard. */
async function explained<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (error) {
    if (error instanceof ApiError)
      throw new CommandError(
        [error.message, ...error.validations.map(({ field, detail }) => `${field}: ${detail}`)].join('\n'),
      )
    throw error
  }
}
