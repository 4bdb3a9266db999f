import { expect, it } from 'vitest'

import { KeyPair } from './keys.ts'
import { NONCE_BYTES, open, seal } from './nacl-box.ts'

it('AC-164: a box of the keys that the authors of NaCl published opens', () => {
  const bob = KeyPair.fromPrivate(
    Buffer.from('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb', 'hex'),
  )
  const alice = Buffer.from('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a', 'hex')
  const nonce = '69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37'
  const box = [
    'f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186a',
    'c0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae',
    '90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74',
    'e355a5',
  ]
  const message = [
    'be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c6129',
    '6cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde',
    '048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705',
  ]
  expect(open(bob, alice, Buffer.from(nonce + box.join(''), 'hex'))?.toString('hex')).toBe(message.join(''))
})

it('AC-164: only the receiver opens a box, and only as it was sealed', () => {
  const [alice, bob] = [KeyPair.generate(), KeyPair.generate()]
  const sealed = seal(alice, bob.publicKey, Buffer.from('secret'))
  expect(sealed).toHaveLength(NONCE_BYTES + 16 + 6)
  expect(open(bob, alice.publicKey, sealed)?.toString()).toBe('secret')
  expect(open(alice, bob.publicKey, sealed)?.toString()).toBe('secret')
  expect(open(KeyPair.generate(), alice.publicKey, sealed)).toBeUndefined()
  expect(open(bob, KeyPair.generate().publicKey, sealed)).toBeUndefined()
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed)
    changed[at] = (changed[at] ?? 0) ^ 1
    expect(open(bob, alice.publicKey, changed), `byte ${at}`).toBeUndefined()
    expect(open(bob, alice.publicKey, sealed.subarray(0, at))).toBeUndefined()
  }
  expect(() => seal(alice, Buffer.alloc(32), Buffer.from('x'))).toThrow(/no public key/)
})
