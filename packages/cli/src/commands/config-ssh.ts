import { homedir } from 'node:os'
import path from 'node:path'

import type { Command } from 'commander'

import { getDeploymentSsh, listWorkspaces } from '@slipway/contract'
import { CommandError } from '../errors.ts'
import { flagsOf, type GlobalFlags, listOption, option } from '../flags.ts'
import { lastingFlags } from '../own-program.ts'
import { interactive, sure } from '../prompt.ts'
import { contentOf, replaceFile } from '../replace-file.ts'
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
    .addOption(
      option('--ssh-config-file <file>', 'file to change', 'CODER_SSH_CONFIG_FILE').default('~/.ssh/config'),
    )
    .addOption(
      option(
        '--coder-binary-path <file>',
        'program that OpenSSH is to run (default: this one)',
        'CODER_SSH_CONFIG_BINARY_PATH',
      ),
    )
    .addOption(
      listOption(
        '-o, --ssh-option <option>',
        'further option of the section; may be given several times',
        'CODER_SSH_CONFIG_OPTS',
      ),
    )
    .addOption(
      option(
        '--ssh-host-prefix <prefix>',
        'prefix of host names (default: what the deployment says)',
        'CODER_CONFIGSSH_SSH_HOST_PREFIX',
      ),
    )
    .addOption(
      option(
        '--hostname-suffix <suffix>',
        'suffix of host names (default: what the deployment says)',
        'CODER_CONFIGSSH_HOSTNAME_SUFFIX',
      ),
    )
    .addOption(
      option('--wait <yes|no|auto>', 'wait for startup scripts', 'CODER_CONFIGSSH_WAIT').default('auto'),
    )
    .addOption(
      option('--disable-autostart', 'do not start stopped workspaces', 'CODER_CONFIGSSH_DISABLE_AUTOSTART'),
    )
    .option('--no-wildcard', 'name each workspace there is now, instead of a pattern for all')
    .addOption(
      option(
        '--force-unix-filepaths',
        'write paths with / on Windows, too',
        'CODER_CONFIGSSH_UNIX_FILEPATHS',
      ),
    )
    .addOption(
      option('--use-previous-options', 'take the options of the last run', 'CODER_SSH_USE_PREVIOUS_OPTIONS'),
    )
    .addOption(option('-n, --dry-run', 'show the section and change nothing', 'CODER_SSH_DRY_RUN'))
    .option('-y, --yes', 'do not ask')
    .action(async (_own: unknown, command: Command) => {
      const flags = flagsOf<ConfigFlags>(command)
      const file = path.resolve(flags.sshConfigFile.replace(/^~(?=\/)/, homedir()))
      const before = await contentOf(file)
      const kept = await optionsToKeep(flags, keptOptions(before))
      const client = await openSession(command)
      const deployment = await client.call(getDeploymentSsh)
      const prefix = kept.sshHostPrefix ?? deployment.hostname_prefix
      const section = sectionOf(kept, {
        prefix,
        suffix: (kept.hostnameSuffix ?? deployment.hostname_suffix).replace(/^\./, ''),
        options: deployment.ssh_config_options,
        program: flags.coderBinaryPath,
        globalFlags: lastingFlags(flags),
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
      await replaceFile(file, after)
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
    sshOptions: flags.sshOption ?? [],
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

function hostsOf(workspace: Parameters<typeof agentsOf>[0]): string[] {
  const agents = agentsOf(workspace)
  return [workspace.name, ...(agents.length > 1 ? agents.map(({ name }) => `${workspace.name}.${name}`) : [])]
}
