export { type CpuAccount, chargeCpu, cpuAccount, jobAccount, registerCpuTime } from './cpu-time.ts'
export { labelled, labelWith, underLabels } from './labels.ts'
export type { Service, WorkLabels } from './work-labels.ts'
