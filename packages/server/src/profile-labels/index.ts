export { labelled, labelWith, underLabels, type WorkLabels } from './labels.ts'
