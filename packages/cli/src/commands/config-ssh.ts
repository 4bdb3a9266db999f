import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import type { Command } from 'commander'

import { getDeploymentSsh } from '@slipway/contract'
import { sure } from '../prompt.ts'
import { repeat } from '../repeat.ts'
import { type GlobalFlags, openSession } from '../session.ts'

const START = '# ------------START-CODER-----------'
const END = '# ------------END-CODER------------'

interface ConfigFlags extends GlobalFlags {
  readonly sshConfigFile?: string
  readonly sshOption?: readonly string[]
  readonly sshHostPrefix?: string
  readonly hostnameSuffix?: string
  readonly wait?: string
  readonly dryRun?: boolean
  readonly yes?: boolean
}

/** `config-ssh`. */
export function configSshCommand(program: Command): void {
  program
    .command('config-ssh')
    .description('Let plain OpenSSH reach workspaces: adds a section to ~/.ssh/config')
    .option('--ssh-config-file <file>', 'file to change', process.env.CODER_SSH_CONFIG_FILE)
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
    .option('-n, --dry-run', 'show the section and change nothing')
    .option('-y, --yes', 'do not ask')
    .action(async (_own: unknown, command: Command) => {
      const flags = command.optsWithGlobals<ConfigFlags>()
      const client = await openSession(flags)
      const deployment = await client.call(getDeploymentSsh)
      const prefix = flags.sshHostPrefix ?? deployment.hostname_prefix
      const suffix = flags.hostnameSuffix ?? deployment.hostname_suffix
      const file = (flags.sshConfigFile ?? '~/.ssh/config').replace(/^~(?=\/)/, homedir())
      const section = sectionOf(flags, { prefix, suffix, options: deployment.ssh_config_options })
      if (flags.dryRun === true) {
        process.stdout.write(section)
        return
      }
      const before = await readFile(file, 'utf8').catch(() => '')
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

/** The file with the section in place of the old one, or at its end (AC-241). */
function withSection(before: string, section: string): string {
  const start = before.indexOf(START)
  const end = before.indexOf(END)
  if (start < 0 || end < start)
    return `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}${section}`
  const rest = before.slice(end + END.length).replace(/^\n/, '')
  return `${before.slice(0, start)}${section}${rest}`
}

/** How hosts are named and what the deployment adds for everybody (AC-240). */
interface Naming {
  readonly prefix: string
  readonly suffix: string
  readonly options: Readonly<Record<string, string>>
}

function sectionOf(flags: ConfigFlags, { prefix, suffix, options }: Naming): string {
  const program = [process.execPath, fileURLToPath(new URL('../../bin/slipway.js', import.meta.url))]
    .map(quoted)
    .join(' ')
  const config = flags.globalConfig === undefined ? '' : ` --global-config ${quoted(flags.globalConfig)}`
  const common = [
    'ConnectTimeout=0',
    'StrictHostKeyChecking=no',
    '# The tunnel authenticates the workspace; without this, OpenSSH would warn about the key of each new one.',
    'UserKnownHostsFile=/dev/null',
    'LogLevel ERROR',
    ...Object.entries(options).map(([name, value]) => `${name} ${value}`),
    ...(flags.sshOption ?? []),
  ]
  const block = (host: string, proxy: string): string[] => [
    `Host ${host}`,
    ...[...common, `ProxyCommand ${program}${config} ssh --stdio ${proxy} %h`].map((line) => `\t${line}`),
  ]
  return [
    START,
    '# This section was made by `slipway config-ssh`; what you change in it is lost at the next run.',
    ...block(`${prefix}*`, `--ssh-host-prefix ${prefix}`),
    '',
    ...block(`*.${suffix}`, `--hostname-suffix ${suffix}`),
    END,
    '',
  ].join('\n')
}

function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `"${text.replace(/(["\\])/g, '\\$1')}"`
}
