import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import type { Command } from 'commander'

/**
 * `server` and `agent`: programs of their own, run in a process of their own, so that this command stays small
 * and quick to start.
 */
export function processCommands(program: Command): void {
  program
    .command('server')
    .description('Run the server')
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .passThroughOptions()
    .action(async (_own: unknown, command: Command) => {
      process.exitCode = await run(
        fileURLToPath(new URL('../../../server/bin/slipway-server.js', import.meta.url)),
        command.args,
      )
    })
  program
    .command('agent')
    .description('Run the agent of a workspace; it reads CODER_AGENT_URL and CODER_AGENT_TOKEN')
    .action(async () => {
      process.exitCode = await run(fileURLToPath(new URL('../../../agent/src/main.ts', import.meta.url)), [])
    })
}

function run(file: string, args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [file, ...args], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  return new Promise((resolve) => {
    child.on('error', () => resolve(1))
    child.on('exit', (code) => resolve(code ?? 1))
  })
}
