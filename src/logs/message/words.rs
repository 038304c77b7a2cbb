//! The messages of PostgreSQL's message catalogs (`src/backend/po`), between whose parts the values stand.

use memchr::memmem;

use super::Kind::{
    self, Duration, Execute, Fetch, Plan, Statement, TimedBind, TimedExecute, TimedFetch,
    TimedParse, TimedStatement,
};

/// One message: what stands before, between and after a duration, a name and the text of a statement, as far as its
/// kind has them.
pub(super) struct Pattern {
    pub(super) kind: Kind,
    pub(super) parts: &'static [&'static str],
}

/// The messages of one language, those first that begin as others do and go on.
pub(super) struct Language {
    pub(super) patterns: &'static [Pattern],
}

const fn pattern(kind: Kind, parts: &'static [&'static str]) -> Pattern {
    Pattern { kind, parts }
}

/// Every language, English first. What `auto_explain` writes is not translated.
#[rustfmt::skip]
pub(super) const LANGUAGES: &[Language] = &[
    // English
    Language { patterns: &[
        pattern(TimedStatement, &["duration: ", " ms  statement: "]),
        pattern(TimedFetch, &["duration: ", " ms  execute fetch from ", ": "]),
        pattern(TimedExecute, &["duration: ", " ms  execute ", ": "]),
        pattern(TimedParse, &["duration: ", " ms  parse ", ": "]),
        pattern(TimedBind, &["duration: ", " ms  bind ", ": "]),
        pattern(Duration, &["duration: ", " ms"]),
        pattern(Plan, &["duration: ", " ms  plan:"]),
        pattern(Statement, &["statement: "]),
        pattern(Fetch, &["execute fetch from ", ": "]),
        pattern(Execute, &["execute ", ": "]),
    ] },
    // German
    Language { patterns: &[
        pattern(TimedStatement, &["Dauer: ", " ms  Anweisung: "]),
        pattern(TimedFetch, &["Dauer: ", " ms  Ausführen Fetch von ", ": "]),
        pattern(TimedExecute, &["Dauer: ", " ms  Ausführen ", ": "]),
        pattern(TimedParse, &["Dauer: ", " ms  Parsen ", ": "]),
        pattern(TimedBind, &["Dauer: ", " ms  Binden ", ": "]),
        pattern(Duration, &["Dauer: ", " ms"]),
        pattern(Statement, &["Anweisung: "]),
        pattern(Fetch, &["Ausführen Fetch von ", ": "]),
        pattern(Execute, &["Ausführen ", ": "]),
    ] },
    // Spanish
    Language { patterns: &[
        pattern(TimedStatement, &["duración: ", " ms  sentencia: "]),
        pattern(TimedFetch, &["duración: ", " ms  ejecutar fetch desde ", ": "]),
        pattern(TimedExecute, &["duración: ", " ms  ejecutar ", ": "]),
        pattern(TimedParse, &["duración: ", " ms  parse: ", ": "]),
        pattern(TimedBind, &["duración: ", " ms  bind ", ": "]),
        pattern(Duration, &["duración: ", " ms"]),
        pattern(Statement, &["sentencia: "]),
        pattern(Fetch, &["ejecutar fetch desde ", ": "]),
        pattern(Execute, &["ejecutar ", ": "]),
    ] },
    // French
    Language { patterns: &[
        pattern(TimedStatement, &["durée : ", " ms, instruction : "]),
        pattern(TimedFetch, &["durée : ", " ms  exécute fetch à partir de ", ": "]),
        pattern(TimedExecute, &["durée : ", " ms  exécute ", ": "]),
        pattern(TimedParse, &["durée : ", " ms, analyse ", " : "]),
        pattern(TimedBind, &["durée : ", " ms, lien ", " : "]),
        pattern(Duration, &["durée : ", " ms"]),
        pattern(Statement, &["instruction : "]),
        pattern(Fetch, &["exécute fetch à partir de ", ": "]),
        pattern(Execute, &["exécute ", ": "]),
    ] },
    // Italian
    Language { patterns: &[
        pattern(TimedStatement, &["durata: ", " ms  istruzione: "]),
        pattern(TimedFetch, &["durata: ", " ms  esecuzione di fetch da ", ": "]),
        pattern(TimedExecute, &["durata: ", " ms  esecuzione di ", ": "]),
        pattern(TimedParse, &["durata: ", " ms  analisi di ", ": "]),
        pattern(TimedBind, &["durata: ", " ms  bind ", ": "]),
        pattern(Duration, &["durata: ", " ms"]),
        pattern(Statement, &["istruzione: "]),
        pattern(Fetch, &["esecuzione di fetch da ", ": "]),
        pattern(Execute, &["esecuzione di ", ": "]),
    ] },
    // Japanese
    Language { patterns: &[
        pattern(TimedStatement, &["期間: ", " ミリ秒  文: "]),
        pattern(TimedFetch, &["期間: ", " ミリ秒  取り出し実行 ", ": "]),
        pattern(TimedExecute, &["期間: ", " ミリ秒  実行 ", ": "]),
        pattern(TimedParse, &["期間: ", " ミリ秒  パース", " : "]),
        pattern(TimedBind, &["期間: ", " ミリ秒  バインド ", ": "]),
        pattern(Duration, &["期間: ", " ミリ秒"]),
        pattern(Statement, &["文: "]),
        pattern(Fetch, &["取り出し実行 ", ": "]),
        pattern(Execute, &["実行 ", ": "]),
    ] },
    // Georgian
    Language { patterns: &[
        pattern(TimedStatement, &["ხანგრძლივობა: ", " მწმ  გამოსახულება: "]),
        pattern(TimedFetch, &["ხანგრძლივობა: ", " მწმs  execute fetch from ", ": "]),
        pattern(TimedExecute, &["ხანგრძლივობა: ", " მწმs  გაშვება ", ": "]),
        pattern(TimedParse, &["ხანგრძლივობა: ", " მწმ  ", "-ის დამუშავება: "]),
        pattern(TimedBind, &["ხანგრძლივობა: ", " მწმ  მიბმა ", ": "]),
        pattern(Duration, &["ხანგრძლივობა: ", " მწმ"]),
        pattern(Statement, &["ოპერატორი: "]),
        pattern(Fetch, &["execute fetch from ", ": "]),
        pattern(Execute, &["გაშვება ", ": "]),
    ] },
    // Korean
    Language { patterns: &[
        pattern(TimedStatement, &["실행시간: ", " ms  명령 구문: "]),
        pattern(TimedFetch, &["수행시간: ", " ms  자료뽑기 ", ": "]),
        pattern(TimedExecute, &["수행시간: ", " ms  쿼리실행 ", ": "]),
        pattern(TimedParse, &["실행시간: ", " ms  ", " 구문분석: "]),
        pattern(TimedBind, &["실행시간: ", " ms  ", " 접속: "]),
        pattern(Duration, &["실행시간: ", " ms"]),
        pattern(Statement, &["명령 구문: "]),
        pattern(Fetch, &["자료뽑기 ", ": "]),
        pattern(Execute, &["쿼리실행 ", ": "]),
    ] },
    // Polish
    Language { patterns: &[
        pattern(TimedStatement, &["czas trwania: ", " ms  wyrażenie: "]),
        pattern(TimedFetch, &["czas trwania: ", " ms  wykonanie pobrania z ", ": "]),
        pattern(TimedExecute, &["czas trwania: ", " ms  wykonanie ", ": "]),
        pattern(TimedParse, &["czas trwania: ", " ms  parsowanie ", ": "]),
        pattern(TimedBind, &["czas trwania: ", " ms  dowiązanie ", ": "]),
        pattern(Duration, &["czas trwania: ", " ms"]),
        pattern(Statement, &["wyrażenie: "]),
        pattern(Fetch, &["wykonanie pobrania z ", ": "]),
        pattern(Execute, &["wykonanie ", ": "]),
    ] },
    // Portuguese
    Language { patterns: &[
        pattern(TimedStatement, &["duração: ", " ms  comando: "]),
        pattern(TimedFetch, &["duração: ", " ms  executar busca de ", ": "]),
        pattern(TimedExecute, &["duração: ", " ms  executar ", ": "]),
        pattern(TimedParse, &["duração: ", " ms  análise de ", ": "]),
        pattern(TimedBind, &["duração: ", " ms  ligação ", ": "]),
        pattern(Duration, &["duração: ", " ms"]),
        pattern(Statement, &["comando: "]),
        pattern(Fetch, &["executar busca de ", ": "]),
        pattern(Execute, &["executar ", ": "]),
    ] },
    // Russian
    Language { patterns: &[
        pattern(TimedStatement, &["продолжительность: ", " мс, оператор: "]),
        pattern(TimedFetch, &["продолжительность: ", " мс  выборка из ", ": "]),
        pattern(TimedExecute, &["продолжительность: ", " мс  выполнение ", ": "]),
        pattern(TimedParse, &["продолжительность: ", " мс, разбор ", ": "]),
        pattern(TimedBind, &["продолжительность: ", " мс, сообщение Bind ", ": "]),
        pattern(Duration, &["продолжительность: ", " мс"]),
        pattern(Statement, &["оператор: "]),
        pattern(Fetch, &["выборка из ", ": "]),
        pattern(Execute, &["выполнение ", ": "]),
    ] },
    // Swedish
    Language { patterns: &[
        pattern(TimedStatement, &["varaktighet: ", " ms  sats: "]),
        pattern(TimedFetch, &["varaktighet: ", " ms  kör hämtning från ", ": "]),
        pattern(TimedExecute, &["varaktighet: ", " ms  kör ", ": "]),
        pattern(TimedParse, &["varaktighet: ", " ms  parse ", ": "]),
        pattern(TimedBind, &["varaktighet: ", " ms  bind ", ": "]),
        pattern(Duration, &["varaktighet ", " ms"]),
        pattern(Statement, &["sats: "]),
        pattern(Fetch, &["kör hämtning från ", ": "]),
        pattern(Execute, &["kör ", ": "]),
    ] },
    // Ukrainian
    Language { patterns: &[
        pattern(TimedStatement, &["тривалість: ", " мс, оператор: "]),
        pattern(TimedFetch, &["тривалість: ", " мс виконати витягнення з ", ": "]),
        pattern(TimedExecute, &["тривалість: ", " мс виконувати ", ": "]),
        pattern(TimedParse, &["тривалість: ", " мс, аналізування ", ": "]),
        pattern(TimedBind, &["тривалість: ", " мс, повідомлення bind ", ": "]),
        pattern(Duration, &["тривалість: ", " мс"]),
        pattern(Statement, &["оператор: "]),
        pattern(Fetch, &["виконати витягнення з ", ": "]),
        pattern(Execute, &["виконувати ", ": "]),
    ] },
    // Chinese
    Language { patterns: &[
        pattern(TimedStatement, &["执行时间: ", " ms 语句: "]),
        pattern(TimedFetch, &["执行时间: ", " ms 执行FETCH操作", ": "]),
        pattern(TimedExecute, &["执行时间: ", " ms 执行", ": "]),
        pattern(TimedParse, &["执行时间: ", " ms  解析 ", ": "]),
        pattern(TimedBind, &["执行时间: ", " ms 绑定", ": "]),
        pattern(Duration, &["执行时间: ", " ms"]),
        pattern(Statement, &["语句: "]),
        pattern(Fetch, &["执行FETCH操作 ", ": "]),
        pattern(Execute, &["执行 ", ": "]),
    ] },
];

/// The values in a `DETAIL` that lists parameters, whatever its words are: they follow the first colon.
pub(in super::super) fn parameters(detail: &[u8]) -> Option<&[u8]> {
    let beginning = &detail[..detail.len().min(super::LONGEST_WORD)];
    let values = &detail[memmem::find(beginning, b": ")? + 2..];
    values.starts_with(b"$1 = ").then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_in_any_language() {
        for (detail, expected) in [
            (
                "parameters: $1 = '1', $2 = NULL",
                Some("$1 = '1', $2 = NULL"),
            ),
            ("Parameters: $1 = ''", Some("$1 = ''")),
            ("paramètres : $1 = 'a: b'", Some("$1 = 'a: b'")),
            ("prepare: PREPARE a AS SELECT $1 = 2", None),
            ("Key (id)=(1) already exists.", None),
            ("", None),
        ] {
            let found = parameters(detail.as_bytes());
            assert_eq!(found, expected.map(str::as_bytes), "{detail}");
        }
    }
}
