export {
  createLogger,
  describeError,
  type LogFields,
  type Logger,
  type LogLevel,
  type LogValue,
  silentLogger,
} from './logger.ts'
export { safeQueryFields } from './query-fields.ts'
export { requestLog, type RequestLogOptions } from './request-log.ts'
export { LogSink } from './sink.ts'
