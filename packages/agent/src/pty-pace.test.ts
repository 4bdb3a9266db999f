import { once } from 'node:events'

import { spawn } from '@lydell/node-pty'
import { expect, it } from 'vitest'

import { PtyPace } from './pty-pace.ts'

it('AC-110: what a process has printed before its end is not lost in a pause', async () => {
  const pty = spawn('/bin/sh', ['-c', 'head -c 3000 /dev/zero | tr "\\0" x'], {})
  const pace = new PtyPace(pty)
  pace.pause()
  let output = ''
  pty.onData((data) => {
    output += data
  })
  const exited = new EventTarget()
  pty.onExit(() => exited.dispatchEvent(new Event('exit')))
  await once(exited, 'exit')
  expect(output).toBe('x'.repeat(3_000))
})
