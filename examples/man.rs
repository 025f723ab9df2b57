//! Writes the man pages, one a command: `cargo man DIRECTORY`.

use std::path::PathBuf;

use clap::CommandFactory;

fn main() -> std::io::Result<()> {
    let directory = PathBuf::from(std::env::args_os().nth(1).unwrap_or_else(|| "target/man".into()));
    std::fs::create_dir_all(&directory)?;
    clap_mangen::generate_to(kubectl_tfserve::cli::Cli::command(), &directory)?;
    println!("{}", directory.display());
    Ok(())
}
