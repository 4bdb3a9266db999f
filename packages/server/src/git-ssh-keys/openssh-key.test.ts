import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { expect, it } from 'vitest'

import { generateOpenSshKey } from './openssh-key.ts'

it.each(['ed25519', 'ecdsa', 'rsa4096'] as const)(
  'ID-193: OpenSSH accepts %s keys: the public key follows from the private one',
  async (algorithm) => {
    const pair = await generateOpenSshKey(algorithm)
    const folder = mkdtempSync(path.join(tmpdir(), 'slipway-key-'))
    try {
      const file = path.join(folder, 'id')
      writeFileSync(file, pair.privateKey, { mode: 0o600 })
      expect(execFileSync('ssh-keygen', ['-y', '-f', file], { encoding: 'utf8' }).trim()).toBe(
        pair.publicKey.trim(),
      )
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
)
