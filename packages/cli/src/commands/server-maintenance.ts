import type { Command } from 'commander'

import type { Maintenance } from '@slipway/server/maintain.ts'
import { CommandError } from '../errors.ts'
import { flagsOf, listOption, option } from '../flags.ts'
import { askSecret, sure } from '../prompt.ts'
import { type DatabaseFlags, databaseArguments, databaseOptions } from './database-flags.ts'

interface RotateFlags extends DatabaseFlags {
  readonly newKey?: string
  readonly oldKeys?: readonly string[]
}

interface DecryptFlags extends DatabaseFlags {
  readonly keys?: readonly string[]
  readonly yes?: boolean
}

interface PurgeFlags extends DatabaseFlags {
  readonly dryRun?: boolean
}

interface MigrateFlags extends DatabaseFlags {
  readonly dryRun?: boolean
}

interface VerifyFlags extends DatabaseFlags {
  readonly head?: string
}

/** `server dbcrypt …`, `server migrate`, `server purge` and `server audit …`: work on the database of a server without running it. */
export function maintenanceCommands(server: Command): void {
  const dbcrypt = server.command('dbcrypt').helpOption('-h, --help')
  dbcrypt.description('Change the keys that stored secrets are encrypted under')
  databaseOptions(dbcrypt.command('rotate'))
    .description('Encrypt all stored secrets under a new key and give up the others')
    .addOption(
      option('--new-key <key>', '32 bytes in base64', 'CODER_EXTERNAL_TOKEN_ENCRYPTION_ENCRYPT_NEW_KEY'),
    )
    .addOption(
      listOption(
        '--old-keys <key>',
        'key in use until now, given once for each',
        'CODER_EXTERNAL_TOKEN_ENCRYPTION_ENCRYPT_OLD_KEYS',
      ),
    )
    .action(async (_own: RotateFlags, command: Command) => {
      const flags = flagsOf<RotateFlags>(command)
      const newKey = flags.newKey ?? (await askSecret('New key', '--new-key'))
      await using work = await open(flags)
      const count = await work.rotate(newKey, separated(flags.oldKeys))
      process.stdout.write(
        `Encrypted ${count} values under the new key. Name it first in --external-token-encryption-keys.\n`,
      )
    })
  databaseOptions(dbcrypt.command('decrypt'))
    .description('Go back to the key that the deployment has made for itself')
    .addOption(
      listOption(
        '--keys <key>',
        'key in use until now, given once for each',
        'CODER_EXTERNAL_TOKEN_ENCRYPTION_DECRYPT_KEYS',
      ),
    )
    .option('-y, --yes', 'do not ask')
    .action(async (_own: DecryptFlags, command: Command) => {
      const flags = flagsOf<DecryptFlags>(command)
      await sure('Stored secrets will be protected by nothing but the database itself. Go on?', flags.yes)
      await using work = await open(flags)
      const count = await work.decrypt(separated(flags.keys))
      process.stdout.write(`Gave up the keys for ${count} values. Remove --external-token-encryption-keys.\n`)
    })
  databaseOptions(dbcrypt.command('delete'))
    .description('Destroy all secrets that are encrypted under keys, for when those are lost')
    .option('-y, --yes', 'do not ask')
    .action(async (_own: DecryptFlags, command: Command) => {
      const flags = flagsOf<DecryptFlags>(command)
      await sure('Everything that is encrypted under a key will be lost for ever. Go on?', flags.yes)
      await using work = await open(flags)
      process.stdout.write(`Destroyed ${await work.destroy()} values.\n`)
    })
  databaseOptions(server.command('migrate').helpOption('-h, --help'))
    .description('Bring the schema of the database up to this release, as the start of a server would')
    .option('--dry-run', 'list what is pending and change nothing')
    .action(async (_own: MigrateFlags, command: Command) => {
      const flags = flagsOf<MigrateFlags>(command)
      const dryRun = flags.dryRun === true
      const { migrateByCommand } = await import('@slipway/server/maintain-schema.ts')
      const steps = await migrateByCommand(databaseArguments(flags), process.env, { dryRun })
      for (const { version, name } of steps)
        process.stdout.write(`${String(version).padStart(4, '0')} ${name}\n`)
      process.stdout.write(
        steps.length === 0
          ? 'The schema is up to date.\n'
          : `${steps.length} ${steps.length === 1 ? 'migration' : 'migrations'} ${dryRun ? 'pending' : 'done'}.\n`,
      )
    })
  databaseOptions(server.command('purge').helpOption('-h, --help'))
    .description('Show what the server would delete because it is older than its retention')
    .option('--dry-run', 'count and delete nothing; the server itself deletes while it runs')
    .action(async (_own: PurgeFlags, command: Command) => {
      const flags = flagsOf<PurgeFlags>(command)
      if (flags.dryRun !== true)
        throw new CommandError('add --dry-run: old records are deleted by the server itself while it runs')
      await using work = await open(flags)
      for (const { type, count } of await work.countOld())
        process.stdout.write(`${type.padEnd(30)}${count === undefined ? 'kept for ever' : count}\n`)
    })
  const audit = server.command('audit').helpOption('-h, --help')
  audit.description('Evidence of the audit log')
  databaseOptions(audit.command('verify'))
    .description('Verify that nothing in the audit log was changed, removed or put in')
    .option(
      '--head <sequence:hash>',
      'a link that was kept elsewhere, such as one from the log of the server',
    )
    .action(async (_own: VerifyFlags, command: Command) => {
      const flags = flagsOf<VerifyFlags>(command)
      const known = flags.head === undefined ? undefined : headFrom(flags.head)
      await using work = await open(flags)
      const report = await work.verifyAudit(known)
      for (const fault of report.faults) process.stderr.write(`${fault}\n`)
      if (report.faultCount > 0)
        throw new CommandError(
          `the audit log was tampered with: ${report.faultCount} faults in ${report.links} links`,
        )
      const head = report.head === undefined ? 'no entry yet' : `${report.head.sequence}:${report.head.hash}`
      process.stdout.write(
        `The audit log is whole: ${report.links} links, ${report.purged} of them of entries that were purged.\nHead: ${head}\n`,
      )
    })
}

async function open(flags: DatabaseFlags): Promise<Maintenance> {
  const { openMaintenance } = await import('@slipway/server/maintain.ts')
  return openMaintenance(databaseArguments(flags), process.env)
}

/** Keys may be given one by one or with commas between them. */
function separated(keys: readonly string[] = []): string[] {
  return keys.flatMap((key) => key.split(',')).filter((key) => key !== '')
}

function headFrom(text: string): { readonly sequence: number; readonly hash: string } {
  const [, sequence, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? []
  if (sequence === undefined || hash === undefined)
    throw new CommandError('--head must be a number, a colon and 64 hexadecimal digits')
  return { sequence: Number(sequence), hash }
}
