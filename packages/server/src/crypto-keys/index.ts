export { KeyRing, type RingKey } from './key-ring.ts'
export { KeyRotation } from './key-rotation.ts'
