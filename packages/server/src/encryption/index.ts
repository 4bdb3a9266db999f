export { decryptAll, destroyEncrypted, type Encryption, rotateEncryption } from './dbcrypt.ts'
export { checkKnownKeys } from './known-keys.ts'
