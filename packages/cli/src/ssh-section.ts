import { CommandError } from './errors.ts'
import { ownProgram } from './own-program.ts'

const START = '# ------------START-CODER-----------'
const END = '# ------------END-CODER------------'
const KEPT = /^# :([a-z-]+)=(.*)$/gm

/** Options of `config-ssh` that its section remembers for the next run. */
export interface KeptOptions {
  readonly wait: string
  readonly disableAutostart: boolean
  readonly sshOptions: readonly string[]
  readonly sshHostPrefix?: string
  readonly hostnameSuffix?: string
}

/** How hosts are named, what the deployment adds for everybody (AC-240), and what OpenSSH runs. */
export interface SectionContext {
  readonly prefix: string
  readonly suffix: string
  readonly options: Readonly<Record<string, string>>
  readonly program: string | undefined
  readonly globalFlags: readonly string[]
  readonly unixPaths: boolean
  /** Names instead of a pattern. */
  readonly hosts: readonly string[] | undefined
}

/**
 * The file with the section in place of the old one, or at its end (AC-241).
 *
 * @throws CommandError when it cannot be told what belongs to the section.
 */
export function withSection(before: string, section: string): string {
  const [starts, ends] = [before.split(START).length - 1, before.split(END).length - 1]
  const start = before.indexOf(START)
  const end = before.indexOf(END)
  if (starts > 1 || ends !== starts || end < start)
    throw new CommandError(
      `the file must have one line "${START}" and behind it one line "${END}", or neither: repair it by hand`,
    )
  if (start < 0) return `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}${section}`
  const rest = before.slice(end + END.length).replace(/^\n/, '')
  return `${before.slice(0, start)}${section}${rest}`
}

/** The options of the last run; undefined when the file has no section. */
export function keptOptions(file: string): KeptOptions | undefined {
  const start = file.indexOf(START)
  const end = file.indexOf(END)
  if (start < 0 || end < start) return undefined
  const kept = [...file.slice(start, end).matchAll(KEPT)]
  const value = (name: string): string | undefined => kept.find(([, key]) => key === name)?.[2]
  const [prefix, suffix] = [value('ssh-host-prefix'), value('hostname-suffix')]
  return {
    wait: value('wait') ?? 'auto',
    disableAutostart: value('disable-autostart') === 'true',
    sshOptions: kept.filter(([, key]) => key === 'ssh-option').map(([, , option = '']) => option),
    ...(prefix === undefined ? {} : { sshHostPrefix: prefix }),
    ...(suffix === undefined ? {} : { hostnameSuffix: suffix }),
  }
}

/** The section of `~/.ssh/config` that reaches workspaces (AC-241). */
export function sectionOf(kept: KeptOptions, context: SectionContext): string {
  const { prefix, suffix, hosts } = context
  const program = context.program === undefined ? ownProgram() : [context.program]
  const proxy = [...program, ...context.globalFlags, 'ssh', '--stdio']
    .map((word) => quoted(context.unixPaths ? word.replaceAll('\\', '/') : word))
    .join(' ')
  const wait = kept.wait === 'auto' ? '' : ` --wait ${kept.wait}`
  const autostart = kept.disableAutostart ? ' --disable-autostart' : ''
  const common = [
    'ConnectTimeout=0',
    'StrictHostKeyChecking=no',
    '# The tunnel authenticates the workspace; without this, OpenSSH would warn about the key of each new one.',
    'UserKnownHostsFile=/dev/null',
    'LogLevel ERROR',
    ...Object.entries(context.options).map(([name, value]) => `${name} ${value}`),
    ...kept.sshOptions,
  ]
  const block = (host: string, naming: string): string[] => [
    `Host ${host}`,
    ...[...common, `ProxyCommand ${proxy}${wait}${autostart} ${naming} %h`].map((line) => `\t${line}`),
  ]
  const patterns = (decorate: (name: string) => string): string =>
    hosts === undefined ? decorate('*') : hosts.map(decorate).join(' ')
  return [
    START,
    '# This section was made by `slipway config-ssh`; what you change in it is lost at the next run.',
    ...remembered(kept),
    ...(hosts?.length === 0
      ? []
      : [
          ...block(
            patterns((name) => `${prefix}${name}`),
            `--ssh-host-prefix ${prefix}`,
          ),
          '',
          ...block(
            patterns((name) => `${name}.${suffix}`),
            `--hostname-suffix ${suffix}`,
          ),
        ]),
    END,
    '',
  ].join('\n')
}

function remembered(kept: KeptOptions): string[] {
  const lines = [
    ...(kept.wait === 'auto' ? [] : [`# :wait=${kept.wait}`]),
    ...(kept.disableAutostart ? ['# :disable-autostart=true'] : []),
    ...(kept.sshHostPrefix === undefined ? [] : [`# :ssh-host-prefix=${kept.sshHostPrefix}`]),
    ...(kept.hostnameSuffix === undefined ? [] : [`# :hostname-suffix=${kept.hostnameSuffix}`]),
    ...kept.sshOptions.map((option) => `# :ssh-option=${option}`),
  ]
  return lines.length === 0 ? [] : ['# Options of the last run:', ...lines]
}

/** A word for the shell that OpenSSH runs the line with, after it has put in what `%` stands for. */
function quoted(text: string): string {
  const special = process.platform === 'win32' ? /(["\\])/g : /(["\\$`])/g
  const word = /^[\w@%+=:,./-]+$/.test(text) ? text : `"${text.replace(special, '\\$1')}"`
  return word.replaceAll('%', '%%')
}
