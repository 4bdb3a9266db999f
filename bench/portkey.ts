import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { until } from './harness.ts'

const VERSION = '1.15.2'

/**
 * Another gateway, from npm, in a process of its own. It is installed beside the checkout, where nobody has to install
 * it who does not compare.
 */
export async function runPortkey(): Promise<AsyncDisposable & { readonly url: string }> {
  const folder = path.join(tmpdir(), `slipway-bench-portkey-${VERSION}`)
  const program = path.join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js')
  if (!existsSync(program)) {
    const npm = spawn(
      'npm',
      [
        'install',
        '--no-save',
        '--no-audit',
        '--no-fund',
        '--prefix',
        folder,
        `@portkey-ai/gateway@${VERSION}`,
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    )
    const [code] = await once(npm, 'exit')
    if (code !== 0) throw new Error('the other gateway cannot be installed')
  }
  const port = await freePort()
  const child = spawn(process.execPath, [program, `--port=${port}`, '--headless'], { stdio: 'ignore' })
  const url = `http://127.0.0.1:${port}`
  await until(() =>
    fetch(url).then(
      () => true,
      () => undefined,
    ),
  )
  return {
    url,
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('there is no free port')
  return address.port
}
