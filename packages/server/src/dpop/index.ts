export { Dpop, type ProofOutcome, type ShownProof } from './dpop.ts'
