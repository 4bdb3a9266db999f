import { CommanderError } from 'commander'

import { Command } from './command.ts'
import { CommandError, explain } from './errors.ts'
import { flagsOf, type GlobalFlags, listOption, option, readVariables } from './flags.ts'
import { ownVersion } from './version.ts'

/** What a command needs is loaded when it is called: most of the time of a short command is loading. */
const COMMANDS: readonly {
  /** The commands of one module with what they do, and their other names. */
  readonly names: Readonly<Record<string, readonly [description: string, ...aliases: string[]]>>
  readonly load: () => Promise<(program: Command) => void>
}[] = [
  {
    names: {
      login: ['Sign in to a server, and make the first account when there is none yet'],
      logout: ['Sign out and forget the session'],
      whoami: ['Show who is signed in, and where'],
    },
    load: async () => (await import('./commands/login.ts')).loginCommands,
  },
  {
    names: { create: ['Make a workspace'] },
    load: async () => (await import('./commands/create.ts')).createCommand,
  },
  {
    names: {
      list: ['List workspaces', 'ls'],
      show: ['Show a workspace with its resources and agents'],
      rename: ['Give a workspace another name'],
      favorite: ['Let a workspace come first in lists'],
      unfavorite: ['Let a workspace come first in lists no more'],
    },
    load: async () => (await import('./commands/workspaces.ts')).workspaceCommands,
  },
  {
    names: {
      start: ['Start a workspace'],
      stop: ['Stop a workspace'],
      restart: ['Stop a workspace and start it again'],
      update: ['Take the active version of the template'],
      delete: ['Delete a workspace', 'rm'],
      cancel: ['Cancel the build of a workspace that is under way'],
    },
    load: async () => (await import('./commands/transitions.ts')).transitionCommands,
  },
  {
    names: { ssh: ['Open a shell in a workspace, or run a command there'] },
    load: async () => (await import('./commands/ssh.ts')).sshCommand,
  },
  {
    names: { 'config-ssh': ['Let plain OpenSSH reach workspaces: adds a section to ~/.ssh/config'] },
    load: async () => (await import('./commands/config-ssh.ts')).configSshCommand,
  },
  {
    names: { 'port-forward': ['Make ports of a workspace reachable on this machine'] },
    load: async () => (await import('./commands/port-forward.ts')).portForwardCommand,
  },
  {
    names: { ping: ['Measure the way to a workspace'] },
    load: async () => (await import('./commands/ping.ts')).pingCommand,
  },
  {
    names: { speedtest: ['Measure how fast bytes go to a workspace and back'] },
    load: async () => (await import('./commands/speedtest.ts')).speedtestCommand,
  },
  {
    names: { doctor: ['Look at each hop of the way to the server, or to a workspace'] },
    load: async () => (await import('./commands/doctor.ts')).doctorCommand,
  },
  {
    names: { logs: ['Show the log of a build and of its agents'] },
    load: async () => (await import('./commands/logs.ts')).logsCommand,
  },
  {
    names: { open: ['Open a workspace in a browser or an editor'] },
    load: async () => (await import('./commands/open.ts')).openCommands,
  },
  {
    names: { templates: ['Manage templates', 'template'] },
    load: async () => (await import('./commands/templates.ts')).templateCommands,
  },
  {
    names: { users: ['Manage accounts', 'user'] },
    load: async () => (await import('./commands/users.ts')).userCommands,
  },
  {
    names: {
      organizations: [
        'Manage organizations, their members, roles and settings',
        'organization',
        'org',
        'orgs',
      ],
    },
    load: async () => (await import('./commands/organizations.ts')).organizationCommands,
  },
  {
    names: { groups: ['Manage groups of an organization', 'group'] },
    load: async () => (await import('./commands/groups.ts')).groupCommands,
  },
  {
    names: { tokens: ['Manage tokens for programs', 'token'] },
    load: async () => (await import('./commands/tokens.ts')).tokenCommands,
  },
  {
    names: { sessions: ['See where you are signed in, and end it', 'session'] },
    load: async () => (await import('./commands/sessions.ts')).sessionCommands,
  },
  {
    names: { secret: ['Manage secrets that your workspaces get', 'secrets'] },
    load: async () => (await import('./commands/secrets.ts')).secretCommands,
  },
  {
    names: { publickey: ['Show the SSH key that your workspaces use for Git'] },
    load: async () => (await import('./commands/publickey.ts')).publicKeyCommand,
  },
  {
    names: { sharing: ['Share workspaces with others'] },
    load: async () => (await import('./commands/sharing.ts')).sharingCommands,
  },
  {
    names: { audit: ['Read the audit log'], 'connection-log': ['Read who has reached which workspace'] },
    load: async () => (await import('./commands/audit-logs.ts')).logCommands,
  },
  {
    names: { 'external-auth': ['Get tokens of Git hosts and other providers, inside of a workspace'] },
    load: async () => (await import('./commands/external-auth.ts')).externalAuthCommands,
  },
  {
    names: {
      'oauth2-provider': ['Manage the software that signs in with this server'],
    },
    load: async () => (await import('./commands/oauth2-provider.ts')).oauth2ProviderCommands,
  },
  {
    names: { 'mcp-servers': ['Look at the MCP servers that chats of an organization use', 'mcp-server'] },
    load: async () => (await import('./commands/mcp-servers.ts')).mcpServerCommands,
  },
  {
    names: { chat: ['Talk to AI agents that work in workspaces', 'chats'] },
    load: async () => (await import('./commands/chat.ts')).chatCommands,
  },
  {
    names: { task: ['Have things done by programs in workspaces of their own', 'tasks'] },
    load: async () => (await import('./commands/tasks.ts')).taskCommands,
  },
  {
    names: { 'ai-providers': ['Manage the model providers that chats use', 'ai-provider'] },
    load: async () => (await import('./commands/ai-providers.ts')).aiProviderCommands,
  },
  {
    names: { 'ai-gateway': ['Manage what is asked of models through the gateway, and what it costs'] },
    load: async () => (await import('./commands/ai-gateway.ts')).aiGatewayCommands,
  },
  {
    names: { notifications: ['Pause notifications, try them, or send yourself one', 'notification'] },
    load: async () => (await import('./commands/notifications.ts')).notificationCommands,
  },
  {
    names: { exp: ['Commands that may still change'] },
    load: async () => (await import('./commands/mcp.ts')).experimentalCommands,
  },
  {
    names: { 'reset-password': ['Set the password of an account in the database itself'] },
    load: async () => (await import('./commands/locked-out.ts')).resetPasswordCommand,
  },
  {
    names: { completion: ['Set up completion of commands and flags in your shell'] },
    load: async () => (await import('./commands/completion.ts')).completionCommand,
  },
  {
    names: { version: ['Show the version of this command'] },
    load: async () => (await import('./commands/version.ts')).versionCommand,
  },
  {
    names: {
      server: ['Run the server'],
      agent: ['Run the agent of a workspace; it reads CODER_AGENT_URL and CODER_AGENT_TOKEN'],
    },
    load: async () => (await import('./commands/processes.ts')).processCommands,
  },
]

/** Runs the command line; resolves to the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  let verbose = false
  process.stdout.on('error', leaveQuietly)
  try {
    if (argv[0] === '__complete') {
      const { candidates } = await import('./completion.ts')
      const words = argv.slice(1)
      for (const word of candidates(await build(words.slice(0, -1)), words)) process.stdout.write(`${word}\n`)
      return 0
    }
    const program = (await build(argv)).hook('preAction', async (_program, command) => {
      readVariables(command)
      const flags = flagsOf<GlobalFlags>(command)
      verbose = flags.verbose === true
      if (flags.forceTty === true) (await import('./prompt.ts')).treatAsTerminal()
    })
    await program.parseAsync([...argv], { from: 'user' })
    return typeof process.exitCode === 'number' ? process.exitCode : 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    process.stderr.write(explain(error, verbose))
    return error instanceof CommandError ? error.exitCode : 1
  }
}

/** Who reads the output has had enough, as `head` has: no reason for a trace. */
function leaveQuietly(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
  process.exit(1)
}

async function build(argv: readonly string[]): Promise<Command> {
  const program = new Command('slipway')
  program
    .description('Work in the workspaces of a Slipway server')
    .usage('[options] <command>')
    .version(`Coder ${ownVersion()} (Slipway)`, '--version', 'show the version of this command')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .configureHelp({
      subcommandTerm: (command) => [command.name(), ...command.aliases()].join(', '),
    })
    .addHelpText('after', '\nHelp of a command: slipway <command> --help')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .showHelpAfterError()
    .exitOverride()
  const wanted = addGlobalOptions(new Command()).parseOptions([...argv]).operands[0]
  for (const { names, load } of COMMANDS) {
    const all = Object.entries(names)
    // The general help and mistyped names need no more of a command than these.
    const needed =
      wanted === 'help' || all.some(([name, [, ...others]]) => [name, ...others].includes(wanted ?? ''))
    if (needed) (await load())(program)
    for (const [name, [description, ...aliases]] of all) {
      const command = program.commands.find((one) => one.name() === name) ?? program.command(name)
      command.description(description).aliases(aliases)
    }
  }
  addGlobalOptions(program)
  return program
}

/** These are understood before and behind the name of a command (OP-181). */
function addGlobalOptions(command: Command): Command {
  const hidden = command.parent !== null
  for (const one of [
    option('--url <url>', 'URL of the server', 'CODER_URL'),
    option('--token <token>', 'session token', 'CODER_SESSION_TOKEN'),
    option('--global-config <folder>', 'folder of the session and settings', 'CODER_CONFIG_DIR'),
    listOption(
      '--header <name=value>',
      'further header of every request; may be given several times',
      'CODER_HEADER',
    ),
    option(
      '--header-command <command>',
      'program that prints further headers, one name=value a line',
      'CODER_HEADER_COMMAND',
    ),
    option(
      '--client-tls-ca-file <file>',
      'further authority that servers may be certified by, in PEM form',
      'CODER_CLIENT_TLS_CA_FILE',
    ),
    option(
      '--client-tls-cert-file <file>',
      'certificate to show to servers that ask for one, in PEM form',
      'CODER_CLIENT_TLS_CERT_FILE',
    ),
    option(
      '--client-tls-key-file <file>',
      'private key of that certificate, in PEM form',
      'CODER_CLIENT_TLS_KEY_FILE',
    ),
    option(
      '--no-version-warning',
      'say nothing when the server has another version',
      'CODER_NO_VERSION_WARNING',
    ),
    option('--no-feature-warning', 'accepted for compatibility: the server sends none').hideHelp(),
    option('--use-keyring', 'accepted for compatibility: the session is kept in a file').hideHelp(),
    option('--disable-direct-connections', 'accepted for compatibility: there are none').hideHelp(),
    option('--disable-network-telemetry', 'accepted for compatibility: there is none').hideHelp(),
    option('--force-tty', 'ask questions although there is no terminal', 'CODER_FORCE_TTY'),
    option('--no-open', 'print addresses instead of opening a browser', 'CODER_NO_OPEN').hideHelp(),
    option('-v, --verbose', 'say more about failures', 'CODER_VERBOSE'),
  ])
    command.addOption(hidden ? one.hideHelp() : one)
  // The server itself has options of its own under these names.
  for (const child of command.commands)
    if ((hidden || child.name() !== 'server') && child instanceof Command) addGlobalOptions(child)
  return command
}
