export { KeyRing, type RingKey } from './key-ring.ts'
export { keyRotationJob } from './key-rotation.ts'
