export {
  createLogger,
  describeError,
  type LogFields,
  type Logger,
  type LogLevel,
  type LogValue,
  silentLogger,
} from './logger.ts'
export { logMember, logRequestLine, logsRequest, type RequestFacts } from './request-line.ts'
export { LogSink } from './sink.ts'
