export { type CpuAccount, chargeCpu, cpuAccount, jobAccount, registerCpuTime } from './cpu-time.ts'
export { labelled, labelWith, underLabels } from './labels.ts'
export type { WorkLabels } from './work-labels.ts'
