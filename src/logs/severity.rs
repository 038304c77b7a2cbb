//! The words that stand between a line's prefix and its message, in the languages that servers write.

use memchr::memmem;

/// What kind of entry, or of part of one, a line begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Severity {
    /// `LOG`: all that is written about statements and their durations.
    #[default]
    Log,
    /// `ERROR`, `FATAL`, `PANIC`.
    Error,
    /// `WARNING`, `NOTICE`, `INFO`, `DEBUG`.
    Other,
    /// `DETAIL`, which belongs to the entry before it.
    Detail,
    /// `HINT`, `CONTEXT`, `STATEMENT`, `QUERY`, `LOCATION`, which belong to the entry before them.
    Further,
}

impl Severity {
    /// Whether the line belongs to the entry before it.
    pub(super) fn continues(self) -> bool {
        matches!(self, Self::Detail | Self::Further)
    }
}

/// Severities by the languages of PostgreSQL's message catalogs: English, German, Spanish, French, Italian, Japanese,
/// Georgian, Korean, Polish, Portuguese, Russian, Swedish, Turkish, Ukrainian, Chinese. Those of details are translated
/// together with what separates them from the message.
const LOG: &[&str] = &[
    "LOG",
    "ჟურნალი",
    "로그",
    "DZIENNIK",
    "СООБЩЕНИЕ",
    "LOGG",
    "ЗАПИСУВАННЯ",
    "日志",
];
const ERROR: &[&str] = &[
    "ERROR",
    "FATAL",
    "PANIC",
    "FEHLER",
    "PANIK",
    "ERREUR",
    "ERRORE",
    "FATALE",
    "PANICO",
    "შეცდომა",
    "ფატალური",
    "პანიკა",
    "오류",
    "치명적오류",
    "손상",
    "BŁĄD",
    "KATASTROFALNY",
    "PANIKA",
    "ERRO",
    "PÂNICO",
    "ОШИБКА",
    "ВАЖНО",
    "ПАНИКА",
    "FEL",
    "FATALT",
    "HATA",
    "ÖLÜMCÜL",
    "PANİK",
    "ПОМИЛКА",
    "ФАТАЛЬНО",
    "ПАНІКА",
    "错误",
    "致命错误",
    "比致命错误还过分的错误",
];
const OTHER: &[&str] = &[
    "WARNING",
    "NOTICE",
    "INFO",
    "DEBUG",
    "WARNUNG",
    "HINWEIS",
    "ATTENTION",
    "ATTENZIONE",
    "NOTIFICA",
    "გაფრთხილება",
    "ინფორმაცია",
    "გამართვა",
    "경고",
    "알림",
    "정보",
    "디버그",
    "OSTRZEŻENIE",
    "UWAGA",
    "INFORMACJA",
    "DEBUGOWANIE",
    "AVISO",
    "NOTA",
    "DEPURAÇÃO",
    "ПРЕДУПРЕЖДЕНИЕ",
    "ЗАМЕЧАНИЕ",
    "ИНФОРМАЦИЯ",
    "ОТЛАДКА",
    "VARNING",
    "NOTIS",
    "UYARI",
    "NOT",
    "BİLGİ",
    "ПОПЕРЕДЖЕННЯ",
    "ПОВІДОМЛЕННЯ",
    "ІНФОРМАЦІЯ",
    "НАЛАГОДЖЕННЯ",
    "警告",
    "注意",
    "信息",
    "调试",
];
const DETAIL: &[&str] = &[
    "DETAIL:  ",
    "DETALLE:  ",
    "DÉTAIL:  ",
    "DÉTAIL :  ",
    "DETTAGLI:  ",
    "詳細:  ",
    "დეტალები:  ",
    "상세정보:  ",
    "SZCZEGÓŁY:  ",
    "DETALHE:  ",
    "ПОДРОБНОСТИ:  ",
    "DETALJ:  ",
    "AYRINTI:  ",
    "ВІДОМОСТІ:  ",
    "详细信息:  ",
];
const FURTHER: &[&str] = &[
    "HINT:  ",
    "QUERY:  ",
    "CONTEXT:  ",
    "STATEMENT:  ",
    "LOCATION:  ",
    "BACKTRACE:  ",
    "TIPP:  ",
    "ANFRAGE:  ",
    "ZUSAMMENHANG:  ",
    "ANWEISUNG:  ",
    "ORT:  ",
    "CONSULTA:  ",
    "CONTEXTO:  ",
    "SENTENCIA:  ",
    "UBICACIÓN:  ",
    "ASTUCE :  ",
    "REQUÊTE :  ",
    "CONTEXTE :  ",
    "INSTRUCTION :  ",
    "EMPLACEMENT :  ",
    "SUGGERIMENTO:  ",
    "CONTESTO:  ",
    "ISTRUZIONE:  ",
    "ヒント:  ",
    "問い合わせ:  ",
    "文脈:  ",
    "文:  ",
    "მინიშნება:  ",
    "მოთხოვნა:  ",
    "კონტექსტი:  ",
    "ოპერატორი:  ",
    "힌트:  ",
    "쿼리:",
    "내용:  ",
    "명령 구문:  ",
    "PODPOWIEDŹ:  ",
    "ZAPYTANIE:  ",
    "KONTEKST:  ",
    "WYRAŻENIE:  ",
    "DICA:  ",
    "COMANDO:  ",
    "ПОДСКАЗКА:  ",
    "ЗАПРОС:  ",
    "КОНТЕКСТ:  ",
    "ОПЕРАТОР:  ",
    "TIPS:  ",
    "FRÅGA:  ",
    "KONTEXT:  ",
    "SATS:  ",
    "İPUCU:  ",
    "SORGU:  ",
    "ORTAM:  ",
    "KOMUT:  ",
    "УКАЗІВКА:  ",
    "ЗАПИТ:  ",
    "ІНСТРУКЦІЯ:  ",
    "提示:  ",
    "查询:  ",
    "上下文:  ",
    "语句:  ",
];

/// What separates a severity from its message.
const SEPARATOR: &[u8] = b":  ";

/// Bytes in which a severity and its separator stand.
const LONGEST: usize = 64;

/// Bytes at the beginning of a line in which its severity is looked for.
const LONGEST_PREFIX: usize = 1024;

/// The severity at a position of a line, and where the message begins.
pub(super) fn severity(line: &[u8], at: usize) -> Option<(Severity, usize)> {
    let text = line.get(at..)?;
    // Nearly all lines are of these two.
    if text.starts_with(b"LOG:  ") {
        return Some((Severity::Log, at + 6));
    }
    if text.starts_with(b"DETAIL:  ") {
        return Some((Severity::Detail, at + 9));
    }
    for (severity, words) in [(Severity::Detail, DETAIL), (Severity::Further, FURTHER)] {
        if let Some(word) = words.iter().find(|word| text.starts_with(word.as_bytes())) {
            return Some((severity, at + word.len()));
        }
    }
    let end = memmem::find(&text[..text.len().min(LONGEST)], SEPARATOR)?;
    Some((named(&text[..end])?, at + end + SEPARATOR.len()))
}

/// The severity of a word, as csvlog and jsonlog have it.
pub(super) fn named(word: &[u8]) -> Option<Severity> {
    if word == b"LOG" {
        return Some(Severity::Log);
    }
    [
        (Severity::Error, ERROR),
        (Severity::Other, OTHER),
        (Severity::Log, LOG),
    ]
    .into_iter()
    .find(|(_, words)| {
        words
            .iter()
            .any(|known| known.as_bytes() == numberless(word))
    })
    .map(|(severity, _)| severity)
}

/// `DEBUG1` to `DEBUG5` are `DEBUG`.
fn numberless(word: &[u8]) -> &[u8] {
    match word.split_last() {
        Some((b'1'..=b'5', before)) => before,
        _ => word,
    }
}

/// Where the severity of a line begins, whatever its prefix.
pub(super) fn find_severity(line: &[u8]) -> Option<usize> {
    let beginning = &line[..line.len().min(LONGEST_PREFIX)];
    let mut separators = memmem::find_iter(beginning, SEPARATOR);
    separators.find_map(|separator| {
        let word = &beginning[..separator];
        let with_separator = &beginning[..separator + SEPARATOR.len()];
        let first = [LOG, ERROR, OTHER].into_iter().flatten();
        let first = first.filter_map(|known| numberless(word).strip_suffix(known.as_bytes()));
        let further = [DETAIL, FURTHER].into_iter().flatten();
        let further = further.filter_map(|known| with_separator.strip_suffix(known.as_bytes()));
        let mut ends = first.chain(further).map(<[u8]>::len);
        ends.find(|at| starts_word(beginning, *at))
    })
}

/// Whether a word may begin here: not within letters or in the middle of a character.
fn starts_word(text: &[u8], at: usize) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte >= 0x80;
    let continues = text[at] & 0xC0 == 0x80;
    !continues && (at == 0 || !letter(text[at - 1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_are_found_in_any_language() {
        for (text, expected) in [
            (
                "LOG:  duration: 1 ms",
                Some((Severity::Log, "duration: 1 ms")),
            ),
            ("СООБЩЕНИЕ:  x", Some((Severity::Log, "x"))),
            ("ASTUCE :  x", Some((Severity::Further, "x"))),
            ("DEBUG3:  x", Some((Severity::Other, "x"))),
            ("FEHLER:  x", Some((Severity::Error, "x"))),
            ("詳細:  x", Some((Severity::Detail, "x"))),
            ("LOG: x", None),
            ("CATALOG:  x", None),
            ("", None),
        ] {
            let found = severity(text.as_bytes(), 0);
            let found = found.map(|(severity, at)| (severity, &text[at..]));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_severity_is_found_behind_any_prefix() {
        for (line, expected) in [
            ("2026-01-01 00:00:00 UTC [1] a:  b LOG:  x", Some(34)),
            ("a:  b ERROR:  syntax LOG:  x", Some(6)),
            ("pid=7:日志:  x", Some(6)),
            ("BLOG:  x", None),
            ("nothing here", None),
        ] {
            assert_eq!(find_severity(line.as_bytes()), expected, "{line}");
        }
    }
}
