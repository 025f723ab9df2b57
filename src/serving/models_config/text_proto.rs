//! Protocol buffers' text format, as far as a configuration file needs it
//! (protobuf.dev, "Text Format Language Specification").

/// One field of a message, with the line that it begins on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) value: Value,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    /// A number, an enum value, or `true` and `false`.
    Word(String),
    Message(Vec<Field>),
}

/// Reads a whole file. A list of values becomes a field for each.
pub(super) fn parse(text: &str) -> Result<Vec<Field>, String> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
    };
    let fields = parser.fields(None)?;
    Ok(fields)
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Mark(char),
}

/// Deeper than any message of the server's.
const DEEPEST: usize = 16;

struct Parser {
    tokens: Vec<(usize, Token)>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn line(&self) -> usize {
        let last = self.tokens.len().saturating_sub(1);
        self.tokens.get(self.at.min(last)).map_or(1, |(line, _)| *line)
    }

    fn take(&mut self, mark: char) -> bool {
        let found = self.peek() == Some(&Token::Mark(mark));
        self.at += usize::from(found);
        found
    }

    fn fields(&mut self, end: Option<char>) -> Result<Vec<Field>, String> {
        let mut fields = Vec::new();
        loop {
            while self.take(',') || self.take(';') {}
            let line = self.line();
            match (self.peek().cloned(), end) {
                (None, None) => return Ok(fields),
                (None, Some(end)) => return Err(format!("line {line}: `{end}` is missing")),
                (Some(Token::Mark(mark)), Some(end)) if mark == end => {
                    self.at += 1;
                    return Ok(fields);
                }
                (Some(Token::Word(name)), _) => {
                    self.at += 1;
                    self.field(line, &name, &mut fields)?;
                }
                (Some(Token::Mark(mark)), _) => {
                    return Err(format!("line {line}: `{mark}` where a field begins"));
                }
                (Some(Token::Text(text)), _) => {
                    return Err(format!("line {line}: \"{text}\" where a field begins"));
                }
            }
        }
    }

    fn field(&mut self, line: usize, name: &str, fields: &mut Vec<Field>) -> Result<(), String> {
        let colon = self.take(':');
        if !self.take('[') {
            let value = self.value(name, colon)?;
            fields.push(Field {
                line,
                name: name.to_owned(),
                value,
            });
            return Ok(());
        }
        while !self.take(']') {
            let line = self.line();
            let value = self.value(name, true)?;
            fields.push(Field {
                line,
                name: name.to_owned(),
                value,
            });
            if !self.take(',') && self.peek() != Some(&Token::Mark(']')) {
                return Err(format!("line {}: `]` of {name} is missing", self.line()));
            }
        }
        Ok(())
    }

    fn value(&mut self, name: &str, colon: bool) -> Result<Value, String> {
        let line = self.line();
        for (begin, end) in [('{', '}'), ('<', '>')] {
            if self.take(begin) {
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err(format!("line {line}: {name} is nested too deep"));
                }
                let fields = self.fields(Some(end))?;
                self.depth -= 1;
                return Ok(Value::Message(fields));
            }
        }
        if !colon {
            return Err(format!("line {line}: `:` or `{{` is missing after {name}"));
        }
        match self.peek().cloned() {
            Some(Token::Word(word)) => {
                self.at += 1;
                Ok(Value::Word(word))
            }
            Some(Token::Text(mut text)) => {
                self.at += 1;
                // Strings that follow each other are one.
                while let Some(Token::Text(more)) = self.peek() {
                    text.push_str(more);
                    self.at += 1;
                }
                Ok(Value::Text(text))
            }
            _ => Err(format!("line {line}: {name} has no value")),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, String> {
    let mut found = Vec::new();
    let mut line = 1;
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\n' => line += 1,
            '#' => while rest.next_if(|next| *next != '\n').is_some() {},
            '"' | '\'' => {
                let text = string(&mut rest, character)
                    .ok_or_else(|| format!("line {line}: a string does not end"))?;
                found.push((line, Token::Text(text)));
            }
            _ if character.is_whitespace() => {}
            _ if is_word(character) => {
                let mut word = String::from(character);
                while let Some(next) = rest.next_if(|next| is_word(*next)) {
                    word.push(next);
                }
                found.push((line, Token::Word(word)));
            }
            _ if ":{}<>[],;".contains(character) => found.push((line, Token::Mark(character))),
            _ => return Err(format!("line {line}: unexpected `{character}`")),
        }
    }
    Ok(found)
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.' | '+')
}

fn string(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, quote: char) -> Option<String> {
    let mut text = String::new();
    loop {
        match rest.next()? {
            '\n' => return None,
            '\\' => text.push(match rest.next()? {
                'n' => '\n',
                't' => '\t',
                other => other,
            }),
            end if end == quote => return Some(text),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_read() {
        let all = parse("a { b: 'x' \"y\" } # c\na: <b: \"z\">, n: [1, 2]; e: TRUE").unwrap();
        let names: Vec<(usize, &str)> = all
            .iter()
            .map(|field| (field.line, field.name.as_str()))
            .collect();
        assert_eq!(names, [(1, "a"), (2, "a"), (2, "n"), (2, "n"), (2, "e")]);
        let Value::Message(inner) = &all[0].value else {
            unreachable!()
        };
        assert_eq!(inner[0].value, Value::Text("xy".to_owned()));
        assert_eq!(all[3].value, Value::Word("2".to_owned()));
    }

    #[test]
    fn mistakes_name_their_line() {
        let refuse = |text: &str| parse(text).unwrap_err();
        insta::assert_snapshot!(refuse("a {\n b: 1\n"), @"line 2: `}` is missing");
        insta::assert_snapshot!(refuse("a {\n b 1 }"), @"line 2: `:` or `{` is missing after b");
        insta::assert_snapshot!(refuse("a: \"x\n\""), @"line 1: a string does not end");
        insta::assert_snapshot!(refuse("}"), @"line 1: `}` where a field begins");
        insta::assert_snapshot!(refuse("a: ="), @"line 1: unexpected `=`");
        insta::assert_snapshot!(refuse("a: [1 2]"), @"line 1: `]` of a is missing");
        assert!(refuse(&"a {".repeat(99)).contains("nested too deep"));
    }
}
