export { type Span, Tracing } from './tracing.ts'
