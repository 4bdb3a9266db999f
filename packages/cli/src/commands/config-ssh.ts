import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'

import type { Command } from 'commander'

import { getDeploymentSsh, listWorkspaces } from '@slipway/contract'
import { CommandError } from '../errors.ts'
import { flagsOf, type GlobalFlags, listIn, switchedOn } from '../flags.ts'
import { interactive, sure } from '../prompt.ts'
import { repeat } from '../repeat.ts'
import { openSession } from '../session.ts'
import { type KeptOptions, keptOptions, sectionOf, withSection } from '../ssh-section.ts'
import { agentsOf } from '../workspace-name.ts'

interface ConfigFlags extends GlobalFlags {
  readonly sshConfigFile: string
  readonly coderBinaryPath?: string
  readonly sshOption?: readonly string[]
  readonly sshHostPrefix?: string
  readonly hostnameSuffix?: string
  readonly wait: string
  readonly disableAutostart?: boolean
  readonly wildcard: boolean
  readonly forceUnixFilepaths?: boolean
  readonly usePreviousOptions?: boolean
  readonly dryRun?: boolean
  readonly yes?: boolean
}

/** `config-ssh` (AC-241). */
export function configSshCommand(program: Command): void {
  program
    .command('config-ssh')
    .description('Let plain OpenSSH reach workspaces: adds a section to ~/.ssh/config')
    .option(
      '--ssh-config-file <file>',
      'file to change',
      process.env.CODER_SSH_CONFIG_FILE ?? '~/.ssh/config',
    )
    .option(
      '--coder-binary-path <file>',
      'program that OpenSSH is to run (default: this one)',
      process.env.CODER_SSH_CONFIG_BINARY_PATH,
    )
    .option('-o, --ssh-option <option>', 'further option of the section; may be given several times', repeat)
    .option(
      '--ssh-host-prefix <prefix>',
      'prefix of host names (default: what the deployment says)',
      process.env.CODER_CONFIGSSH_SSH_HOST_PREFIX,
    )
    .option(
      '--hostname-suffix <suffix>',
      'suffix of host names (default: what the deployment says)',
      process.env.CODER_CONFIGSSH_HOSTNAME_SUFFIX,
    )
    .option('--wait <yes|no|auto>', 'wait for startup scripts', process.env.CODER_CONFIGSSH_WAIT ?? 'auto')
    .option(
      '--disable-autostart',
      'do not start stopped workspaces',
      switchedOn('CODER_CONFIGSSH_DISABLE_AUTOSTART'),
    )
    .option('--no-wildcard', 'name each workspace there is now, instead of a pattern for all')
    .option(
      '--force-unix-filepaths',
      'write paths with / on Windows, too',
      switchedOn('CODER_CONFIGSSH_UNIX_FILEPATHS'),
    )
    .option(
      '--use-previous-options',
      'take the options of the last run',
      switchedOn('CODER_SSH_USE_PREVIOUS_OPTIONS'),
    )
    .option('-n, --dry-run', 'show the section and change nothing', switchedOn('CODER_SSH_DRY_RUN'))
    .option('-y, --yes', 'do not ask')
    .action(async (_own: unknown, command: Command) => {
      const flags = flagsOf<ConfigFlags>(command)
      const file = flags.sshConfigFile.replace(/^~(?=\/)/, homedir())
      const before = await readFile(file, 'utf8').catch(() => '')
      const kept = await optionsToKeep(flags, keptOptions(before))
      const client = await openSession(command)
      const deployment = await client.call(getDeploymentSsh)
      const prefix = kept.sshHostPrefix ?? deployment.hostname_prefix
      const section = sectionOf(kept, {
        prefix,
        suffix: (kept.hostnameSuffix ?? deployment.hostname_suffix).replace(/^\./, ''),
        options: deployment.ssh_config_options,
        program: flags.coderBinaryPath,
        globalFlags: globalFlags(flags),
        unixPaths: flags.forceUnixFilepaths === true,
        hosts: flags.wildcard
          ? undefined
          : (await client.call(listWorkspaces, { query: { q: 'owner:me', limit: 0 } })).workspaces.flatMap(
              hostsOf,
            ),
      })
      if (flags.dryRun === true) {
        process.stdout.write(section)
        return
      }
      const after = withSection(before, section)
      if (after === before) {
        process.stdout.write(`${file} is up to date.\n`)
        return
      }
      await sure(`Change ${file}?`, flags.yes)
      await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
      await writeFile(`${file}.new`, after, { mode: 0o600 })
      await rename(`${file}.new`, file)
      process.stdout.write(`Changed ${file}. Try: ssh ${prefix}<workspace>\n`)
    })
}

/** What was asked for now, or with `--use-previous-options` (or a yes to the question) last time. */
async function optionsToKeep(flags: ConfigFlags, previous: KeptOptions | undefined): Promise<KeptOptions> {
  if (!['yes', 'no', 'auto'].includes(flags.wait))
    throw new CommandError(`--wait must be yes, no or auto, not ${JSON.stringify(flags.wait)}`)
  const now: KeptOptions = {
    wait: flags.wait,
    disableAutostart: flags.disableAutostart === true,
    sshOptions: flags.sshOption ?? listIn('CODER_SSH_CONFIG_OPTS') ?? [],
    ...(flags.sshHostPrefix === undefined ? {} : { sshHostPrefix: flags.sshHostPrefix }),
    ...(flags.hostnameSuffix === undefined ? {} : { hostnameSuffix: flags.hostnameSuffix }),
  }
  if (previous === undefined || JSON.stringify(previous) === JSON.stringify(now)) return now
  if (flags.usePreviousOptions === true) return previous
  if (flags.yes === true || flags.dryRun === true || !interactive()) return now
  return sure('The last run had other options. Take those again?', false).then(
    () => previous,
    () => now,
  )
}

/** Flags before the name of the command that OpenSSH's run of it needs again. */
function globalFlags(flags: ConfigFlags): readonly string[] {
  return [
    ...(flags.globalConfig === undefined ? [] : ['--global-config', flags.globalConfig]),
    ...(flags.header ?? []).flatMap((header) => ['--header', header]),
    ...(flags.headerCommand === undefined ? [] : ['--header-command', flags.headerCommand]),
    ...(flags.clientTlsCaFile === undefined
      ? []
      : ['--client-tls-ca-file', path.resolve(flags.clientTlsCaFile)]),
  ]
}

function hostsOf(workspace: Parameters<typeof agentsOf>[0]): string[] {
  const agents = agentsOf(workspace)
  return [workspace.name, ...(agents.length > 1 ? agents.map(({ name }) => `${workspace.name}.${name}`) : [])]
}
