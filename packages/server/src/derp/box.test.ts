import { expect, it } from 'vitest'

import { BoxKey, box } from './box.ts'

const hex = (text: string): Buffer => Buffer.from(text, 'hex')

it('AC-164: boxes are those of NaCl', () => {
  const message = hex(
    'be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705',
  )
  const nonce = hex('69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37')
  // The secret that the two key pairs of the example share.
  const shared = hex('4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742')
  const sealed = box(shared).seal(message, nonce)
  expect(sealed.subarray(0, 24)).toEqual(nonce)
  expect(sealed.subarray(24).toString('hex')).toBe(
    'f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5',
  )
  expect(box(shared).open(sealed)).toEqual(message)
})

it('AC-164: what was changed, or locked by another, does not open', () => {
  const [ada, ben, eve] = [BoxKey.generate(), BoxKey.generate(), BoxKey.generate()]
  const sealed = ada.with(ben.publicKey)?.seal(Buffer.from('hello')) ?? Buffer.alloc(0)
  expect(ben.with(ada.publicKey)?.open(sealed)?.toString()).toBe('hello')
  expect(ben.with(eve.publicKey)?.open(sealed)).toBeUndefined()
  const changed = Buffer.from(sealed)
  changed.writeUInt8(changed.readUInt8(30) ^ 1, 30)
  expect(ben.with(ada.publicKey)?.open(changed)).toBeUndefined()
  expect(ben.with(ada.publicKey)?.open(sealed.subarray(0, 10))).toBeUndefined()
  expect(ben.with(Buffer.alloc(32)), 'a point of small order').toBeUndefined()
  expect(ben.with(Buffer.alloc(31))).toBeUndefined()
})
