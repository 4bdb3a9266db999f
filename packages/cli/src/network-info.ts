import { mkdir, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'

import { getBuildInfo } from '@slipway/contract'
import type { Connection } from './connection.ts'

/**
 * Writes how good the connection is into `<folder>/<parent's process id>.json` now and every `interval` milliseconds,
 * where editors look for it (AC-244). Everything goes through the server, so its own way is the latency.
 */
export class NetworkInfo implements Disposable {
  readonly #timer: NodeJS.Timeout

  constructor(client: Connection, folder: string, interval: number) {
    const file = path.join(folder, `${process.ppid}.json`)
    const write = (): void => {
      // An editor that finds no news shows none; the session matters more.
      measure(client, file).catch(() => undefined)
    }
    this.#timer = setInterval(write, interval).unref()
    write()
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }
}

async function measure(client: Connection, file: string): Promise<void> {
  const start = performance.now()
  await client.call(getBuildInfo)
  const latency = performance.now() - start
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(
    `${file}.new`,
    JSON.stringify({
      p2p: false,
      latency,
      preferred_derp: 'Slipway',
      derp_latency: { Slipway: latency },
      upload_bytes_sec: 0,
      download_bytes_sec: 0,
      using_coder_connect: false,
    }),
  )
  await rename(`${file}.new`, file)
}
